"""A disk that fails for one process when a test says so (disk_error.c)."""

import mmap
import os
import pathlib
import struct

NOTHING, WRITES, SYNCS = 0, 1, 2


class DiskError:
    """Of what is below a directory, for whatever is started with `environment`; whole at first."""

    def __init__(self, file, below, binaries=os.environ.get("BOURSE_BIN", "")):
        self.file = pathlib.Path(file)
        self.file.write_bytes(bytes(16))
        with open(self.file, "r+b") as stream:
            self.page = mmap.mmap(stream.fileno(), 16)
        library = pathlib.Path(binaries) / "libdisk-error.so"
        if not library.exists():
            raise FileNotFoundError(f"{library} is missing: ./dev build disk-error")
        # A sanitizer wants to be loaded first, and need not be for this.
        options = [*filter(None, [os.environ.get("ASAN_OPTIONS")]), "verify_asan_link_order=0"]
        self.environment = {"LD_PRELOAD": str(library), "BOURSE_DISK_ERROR": str(self.file),
                            "BOURSE_DISK_ERROR_BELOW": str(below),
                            "ASAN_OPTIONS": ":".join(options)}

    def fail(self, calls):
        """From now on these fail, and no others."""
        self.page[:8] = struct.pack("=Q", calls)

    def failed(self):
        """How many calls did so far."""
        return struct.unpack("=Q", self.page[8:])[0]

    def close(self):
        self.page.close()
