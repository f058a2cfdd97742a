"""A scheduler's machine that is gone without a word: no packet comes from it any more, none tells
that it is gone. Its stream must not be held for the hours that a kernel would wait."""

import os
import shutil
import subprocess
import sys
import unittest

import v1_scheduler
from cluster_case import ClusterCase, wait_for

WITHIN_S = 60  # what the documents promise

CLIENT = """
import sys, time
sys.path.insert(0, sys.argv[3])
import v1_scheduler
stream = v1_scheduler.Stream(int(sys.argv[2]), {"type": "SUBSCRIBE", "subscribe": {
    "framework_info": {"user": "root", "name": "vanishes", "failover_timeout": 600}}},
    host=sys.argv[1])
stream.wait("SUBSCRIBED")
print("subscribed", flush=True)
stream.wait_end()
"""


def run(*words, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, input=stdin)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("ip") and shutil.which("nft"),
                     "needs root, ip and nft")
class VanishedPeer(ClusterCase):
    def add_machine(self):
        """A network namespace with one link to here: its name and our address on it."""
        name = f"bv{os.getpid()}"
        net = f"10.{80 + os.getpid() // 250 % 100}.{os.getpid() % 250}"
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], capture_output=True)
        self.addCleanup(subprocess.run, ["ip", "link", "delete", name], capture_output=True)
        run("ip", "netns", "add", name)
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "address", "add", f"{net}.1/24", "dev", name)
        run("ip", "link", "set", name, "up")
        run("ip", "-n", name, "address", "add", f"{net}.2/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        return name, f"{net}.1"

    def test_a_stream_to_a_machine_that_vanished_ends_within_a_minute(self):
        name, here = self.add_machine()
        self.start_master(f"--ip={here}", "--insecure")
        client = self.start("scheduler", [
            "ip", "netns", "exec", name, sys.executable, "-c", CLIENT, here, self.http_port,
            os.path.dirname(v1_scheduler.__file__)])
        client.line("subscribed")

        def connected():
            found = v1_scheduler.post(
                self.http_port, {"type": "GET_FRAMEWORKS"}, {"Content-Type": v1_scheduler.JSON},
                "/api/v1", host=here)
            return '"connected":true' in found.text
        self.assertTrue(connected())
        run("ip", "netns", "exec", name, "nft", "-f", "-", stdin="""
            add table inet gone
            add chain inet gone in { type filter hook input priority 0; policy drop; }
            add chain inet gone out { type filter hook output priority 0; policy drop; }
        """)
        wait_for("the end of the stream", lambda: not connected(), WITHIN_S)


if __name__ == "__main__":
    unittest.main()
