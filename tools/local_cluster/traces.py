"""What a cluster may leave on a machine besides processes: cgroups, mounts, ports, directories."""

import os
import pathlib

CGROUP_PREFIX = "bourse-"


def mount_points():
    """(mount point, file system type) of everything mounted here."""
    points = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ", 1)
        points.append((left.split()[4], right.split()[0]))
    return points


def cgroup_corners():
    """The directories agents make for their containers, in every hierarchy."""
    found = set()
    for point, kind in mount_points():
        if kind not in ("cgroup", "cgroup2"):
            continue
        for directory, names, _ in os.walk(point):
            corners = [name for name in names if name.startswith(CGROUP_PREFIX)]
            found.update(os.path.join(directory, name) for name in corners)
            names[:] = [name for name in names if name not in corners]
    return found


def corner_names_of(pid):
    """Names of the corners a process is in: the parts of its cgroup paths that begin like one."""
    try:
        text = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return set()
    parts = {part for line in text.splitlines() for part in line.split(":", 2)[2].split("/")}
    return {part for part in parts if part.startswith(CGROUP_PREFIX)}


def remove_cgroup(corner):
    """Removes a corner whose processes are gone; True when it is."""
    for directory, _, _ in os.walk(corner, topdown=False):
        try:
            os.rmdir(directory)
        except OSError:
            pass
    return not os.path.isdir(corner)


def processes_in_cgroup(corner):
    pids = set()
    for directory, _, _ in os.walk(corner):
        try:
            text = pathlib.Path(directory, "cgroup.procs").read_text()
        except OSError:
            continue
        pids.update(int(word) for word in text.split())
    return pids


def mounts_below(directories):
    prefixes = tuple(os.path.join(os.path.realpath(path), "") for path in directories)
    return [point for point, _ in mount_points() if (point + "/").startswith(prefixes)]


def listening_ports():
    """TCP ports somebody listens on, in this network namespace."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = pathlib.Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A":
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports
