"""Containers on a kernel whose controllers are all cgroup v2, as on a new distribution. The machine
that the tests run on may have v1; so Debian's kernel is started in an emulator with the programs of
the container tests and Debian's essential ones in its memory, and runs them there."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["BOURSE_BUILD"])
KERNEL = pathlib.Path(os.environ["BOURSE_SOURCE"]) / "build/cgroup2-vmlinuz"  # of tools/setup.sh
PROGRAMS = ["test/test_agent_isolation", "test/test_executors_shim", "bin/bourse-shim"]
ESSENTIAL = ["bash", "coreutils", "dash", "findutils", "grep", "hostname", "mount", "perl-base",
             "procps", "sed", "util-linux", "iproute2"]
LIMIT_S = 250

INIT = """#!/bin/bash
export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
for directory in /dev/shm /tmp /run /var/tmp; do
  # The sources may lie below one of them: what is there must stay in sight.
  if [ -z "$(ls -A $directory)" ]; then mount -t tmpfs -o mode=1777 tmp $directory; fi
  chmod 1777 $directory
done
ln -s /proc/self/fd /dev/fd
mount -t cgroup2 none /sys/fs/cgroup
ip link set lo up
cd /tmp
echo "controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
"""
RUN = """
{program} --durations yes --use-colour no
echo "{name} ended with $?"
"""
POWER_OFF = """
echo o > /proc/sysrq-trigger
exec tail -f /dev/null
"""


def output_of(*argv, cwd=None):
    return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=cwd).stdout


def libraries_of(program):
    """What the dynamic linker loads with it; nothing for scripts and static programs."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return [pathlib.Path(word) for word in re.findall(r"(/\S+)", said)]


class Tree:
    """The files of the emulated machine, under the names that they have here."""

    def __init__(self, root):
        self.root = root
        for name in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "proc", "sys", "dev", "tmp",
                     "run", "var/tmp", "root", "etc", "mnt"):
            (root / name).mkdir(parents=True, exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / name).symlink_to(f"usr/{name}")
        for name in ("passwd", "group", "nsswitch.conf"):
            shutil.copy(f"/etc/{name}", root / "etc" / name)

    def add(self, path):
        target = self.root / str(path).lstrip("/")
        if target.exists() or target.is_symlink() or path.is_dir():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(os.readlink(path))
            self.add(path.resolve())
            return
        shutil.copy(path, target)
        if os.access(path, os.X_OK):
            for library in libraries_of(path):
                self.add(library)

    def add_package(self, name):
        for line in output_of("dpkg", "-L", name).splitlines():
            path = pathlib.Path(line)
            if re.match(r"(/usr)?/(s?bin|lib)/", line) and path.exists():
                self.add(path)

    def packed(self, box):
        archive = box / "initrd"
        with archive.open("wb") as out:
            names = output_of("find", ".", cwd=self.root)
            subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], check=True,
                           input=names.encode(), stdout=out, cwd=self.root)
        return archive


class Cgroup2(unittest.TestCase):
    def test_containers_and_their_limits_hold_on_a_kernel_with_cgroup_v2_alone(self):
        if not shutil.which("qemu-system-x86_64"):
            self.skipTest("needs qemu-system-x86")
        self.assertTrue(KERNEL.exists(), f"{KERNEL} is missing: ./dev setup downloads Debian's "
                        "kernel for virtual machines and needs the network for it")
        with tempfile.TemporaryDirectory(prefix="bourse-cgroup2-", dir="/var/tmp") as name:
            box = pathlib.Path(name)
            said = self.boot(KERNEL, self.machine(box))
        self.assertRegex(said, r"controllers: .*cpu .*memory .*pids")
        for program in PROGRAMS[:2]:
            self.assertIn(f"{os.path.basename(program)} ended with 0", said, said[-6000:])
        # Not skipped: each limit was tried, with the kernel's own answer.
        self.assertNotIn("needs a cgroup controller", said)
        self.assertIn("s: a task that exceeds its memory limit ends with the oom flag", said)

    def machine(self, box):
        tree = Tree(box / "root")
        for package in ESSENTIAL:
            tree.add_package(package)
        init = INIT
        for program in PROGRAMS:
            tree.add(BUILD / program)
        for program in PROGRAMS[:2]:
            init += RUN.format(program=BUILD / program, name=os.path.basename(program))
        (tree.root / "init").write_text(init + POWER_OFF)
        (tree.root / "init").chmod(0o755)
        return tree.packed(box)

    def boot(self, kernel, initrd):
        argv = ["qemu-system-x86_64", "-nodefaults", "-nographic", "-serial", "stdio",
                "-no-reboot", "-m", "1024", "-smp", "2", "-accel", "tcg,thread=multi",
                "-kernel", kernel, "-initrd", initrd,
                "-append", "console=ttyS0 quiet panic=-1 cgroup_no_v1=all"]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT_S)
        return done.stdout.decode(errors="replace").replace("\r", "")


if __name__ == "__main__":
    unittest.main()
