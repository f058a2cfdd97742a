"""The network of a chaos run: a bridge, and a network namespace for each machine whose packets may
be harmed. Everything hangs on the namespaces of the run's own process and goes away with it."""

import contextlib
import pathlib
import subprocess

from delay import Delay

HUB = "10.77.0.1"  # where the run itself, the ensemble and the frameworks live
TABLE = "inet chaos"


def command(*words, stdin=None):
    argv = [str(word) for word in words]
    done = subprocess.run(argv, capture_output=True, text=True, input=stdin)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    def __init__(self):
        self.addresses = {}
        # The names are files: on a file system of this run, for they would outlive it.
        pathlib.Path("/run/netns").mkdir(exist_ok=True)
        command("mount", "-t", "tmpfs", "chaos", "/run/netns")
        command("ip", "link", "set", "lo", "up")
        command("ip", "link", "add", "hub", "type", "bridge")
        command("ip", "address", "add", f"{HUB}/16", "dev", "hub")
        command("ip", "link", "set", "hub", "up")

    def add(self, name, address):
        """A machine of its own, on the bridge."""
        command("ip", "netns", "add", name)
        command("ip", "link", "add", f"v-{name}", "type", "veth", "peer", "name", "eth0", "netns",
                name)
        command("ip", "link", "set", f"v-{name}", "master", "hub", "up")
        command("ip", "-n", name, "address", "add", f"{address}/16", "dev", "eth0")
        command("ip", "-n", name, "link", "set", "eth0", "up")
        command("ip", "-n", name, "link", "set", "lo", "up")
        self.addresses[name] = address

    def inside(self, name, argv):
        """The command that runs another in that machine's network, and only there: `ip netns exec`
        would hide the cgroups too."""
        return ["nsenter", f"--net=/run/netns/{name}", *argv]

    # -- harm: packets are dropped silently, as a cable or a switch would

    def cut(self, name, peers, incoming=True, outgoing=True, port=None):
        """Between a machine and these addresses, one way or both, or to one port of them."""
        them = "{ " + ", ".join(peers) + " }"
        rules = []
        to_port = f"tcp dport {port} " if port else ""
        from_port = f"tcp sport {port} " if port else ""
        if incoming:
            rules.append(f"add rule {TABLE} in ip saddr {them} {from_port}drop")
        if outgoing:
            rules.append(f"add rule {TABLE} out ip daddr {them} {to_port}drop")
        self._load(name, rules)

    def lose(self, name, percent):
        """Loses so many of a hundred packets of a machine, both ways."""
        unlucky = f"numgen random mod 100 < {percent} drop"
        self._load(name, [f"add rule {TABLE} in {unlucky}", f"add rule {TABLE} out {unlucky}"])

    @contextlib.contextmanager
    def delayed(self, name, low_s, high_s, seed):
        """Meanwhile each packet of a machine arrives so much later, both ways."""
        cable, late = f"v-{name}", f"d-{name}"
        # The host's own end must not answer for the bridge.
        command("ip", "link", "set", cable, "nomaster", "arp", "off")
        delay = Delay(cable, late, low_s, high_s, seed)
        try:
            command("ip", "link", "set", late, "master", "hub", "up")
            yield delay
        finally:
            delay.close()
            command("ip", "link", "set", cable, "master", "hub", "arp", "on")

    def heal(self, name):
        subprocess.run(["ip", "netns", "exec", name, "nft", "delete", "table", *TABLE.split()],
                       capture_output=True)

    def _load(self, name, rules):
        table = [f"add table {TABLE}",
                 f"add chain {TABLE} in {{ type filter hook input priority 0; }}",
                 f"add chain {TABLE} out {{ type filter hook output priority 0; }}"]
        text = "\n".join(table + rules) + "\n"
        command("ip", "netns", "exec", name, "nft", "-f", "-", stdin=text)
