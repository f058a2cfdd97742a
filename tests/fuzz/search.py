"""Runs a fuzz target with mutations that the commit decides, as it decides the fresh seeds of the
simulator: its checkout searches the same way again, the next one another. Ends as the target does.

    search.py TARGET [FLAG...] SEEDS
"""

import os
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests" / "sim"))

from fresh_seeds import first_seed

number, why = first_seed(SOURCE)
seed = number % 0xFFFF_FFFF + 1  # 32 bits; 0 would ask the clock
print(f"-seed={seed}: {why}", flush=True)
os.execv(sys.argv[1], [sys.argv[1], f"-seed={seed}", *sys.argv[2:]])
