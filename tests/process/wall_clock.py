"""A wall clock for one process, which a test can set (wall_clock.c)."""

import mmap
import os
import pathlib
import struct

HOUR_S = 3600


class WallClock:
    """Shown by whatever is started with `environment`; right at first."""

    def __init__(self, file, binaries=os.environ.get("BOURSE_BIN", "")):
        self.file = pathlib.Path(file)
        self.file.write_bytes(bytes(8))
        with open(self.file, "r+b") as stream:
            self.page = mmap.mmap(stream.fileno(), 8)
        library = pathlib.Path(binaries) / "libwall-clock.so"
        if not library.exists():
            raise FileNotFoundError(f"{library} is missing: ./dev build wall-clock")
        # A sanitizer wants to be loaded first, and need not be for this.
        options = [*filter(None, [os.environ.get("ASAN_OPTIONS")]), "verify_asan_link_order=0"]
        self.environment = {"LD_PRELOAD": str(library), "BOURSE_WALL_CLOCK": str(self.file),
                            "ASAN_OPTIONS": ":".join(options)}

    def set(self, seconds_ahead):
        self.page[:] = struct.pack("=q", int(seconds_ahead))

    def close(self):
        self.page.close()
