#!/usr/bin/env python3
"""./dev sim --planted: the first seed that catches each planted bug, for sim/planted_seeds.txt.

A bug that no seed up to the limit catches is an error: the judge has a blind spot.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIM = pathlib.Path(os.environ.get("BOURSE_BIN", ROOT / "build/release/bin")) / "bourse-sim"
FOUND = re.compile(r"^seed (\d+): ([A-Z]+\d*|codec)\b", re.MULTILINE)


def first_catch(plant, most):
    done = subprocess.run(
        [SIM, "--plant", plant, "--seeds", f"1-{most}", "--expect-violation", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return FOUND.search(done.stdout)


def main():
    parser = argparse.ArgumentParser(prog="./dev sim --planted", description=__doc__)
    parser.add_argument("--most", type=int, default=2000, help="seeds to try for each")
    parser.add_argument("--json", action="store_true", help="ends in one object")
    parser.add_argument("plants", nargs="*", help="all unless named")
    options = parser.parse_args()
    known = subprocess.run([SIM, "--plants"], stdout=subprocess.PIPE, text=True, check=True)
    caught = {}
    for plant in options.plants or known.stdout.split():
        found = first_catch(plant, options.most)
        caught[plant] = found and {"seed": int(found[1]), "promise": found[2]}
        print(f"{plant} {found[1]} {found[2]}" if found else f"{plant}: not caught", flush=True)
    missed = sum(found is None for found in caught.values())
    if options.json:
        print(json.dumps({"planted": len(caught), "missed": missed, "caught": caught}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
