"""Containers of an agent that itself lives in a chroot, whose root is no mount point."""

import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BOURSE_BUILD"])
TEST = BUILD / "test/test_executors_shim"
CASES = ["a container runs its command in its sandbox and its output is kept",
         "a container as root has pid*"]
SHOWN = ["usr", "etc", "proc", "sys", "dev"]

ENTER = """
set -e
for name in {shown}; do mkdir -p {box}/$name; mount --rbind /$name {box}/$name; done
for name in bin sbin lib lib64; do ln -s usr/$name {box}/$name; done
mkdir -p {box}/tmp {box}/mnt {box}/var/tmp {box}{build}
chmod 1777 {box}/tmp {box}/var/tmp
mount --bind {build} {box}{build}
exec chroot {box} {test} "$@"
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root for a chroot")
class Chroot(unittest.TestCase):
    def test_containers_begin_where_the_root_is_no_mount_point(self):
        with tempfile.TemporaryDirectory(prefix="bourse-chroot-", dir="/tmp") as box:
            script = ENTER.format(box=box, shown=" ".join(SHOWN), build=BUILD, test=TEST)
            done = subprocess.run(
                ["unshare", "--mount", "--fork", "sh", "-c", script, "sh", ",".join(CASES)],
                capture_output=True, text=True, env={**os.environ, "TMPDIR": "/tmp"})
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        self.assertIn("2 test cases", done.stdout)


if __name__ == "__main__":
    unittest.main()
