"""What the chaos run does to packets and to memory: late packets are late and whole, and who has
too little memory is ended by the kernel. In namespaces of this test's own."""

import hashlib
import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/chaos"))

import cage
import network

INSIDE = "BOURSE_CHAOS_NETWORK_INSIDE"
SERVER = """
import hashlib, socket, sys
listener = socket.create_server((sys.argv[1], 7000))
print("ready", flush=True)
stream, _ = listener.accept()
while (byte := stream.recv(1)) == b"?":
    stream.sendall(b"!")
digest = hashlib.sha256(byte)
while block := stream.recv(65536):
    digest.update(block)
stream.sendall(digest.digest())
"""


@unittest.skipUnless(os.environ.get(INSIDE), "needs root for namespaces")
class Network(unittest.TestCase):
    def test_late_packets_are_late_and_nothing_of_them_is_lost(self):
        net = network.Network()
        net.add("m", "10.77.1.1")
        server = subprocess.Popen(net.inside("m", [sys.executable, "-c", SERVER, "10.77.1.1"]),
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertEqual(server.stdout.readline(), "ready\n")
        server.stdout.close()
        text = os.urandom(1 << 20)
        with net.delayed("m", 0.05, 0.06, 1) as delay:
            with socket.create_connection(("10.77.1.1", 7000), 30) as stream:
                for _ in range(3):
                    begun = time.monotonic()
                    stream.sendall(b"?")
                    self.assertEqual(stream.recv(1), b"!")
                    self.assertGreater(time.monotonic() - begun, 0.1)
                stream.sendall(b"x" + text)
                stream.shutdown(socket.SHUT_WR)
                stream.settimeout(60)
                self.assertEqual(stream.recv(32), hashlib.sha256(b"x" + text).digest())
            self.assertGreater(delay.carried, 10)
        # Mended: the cable is whole again.
        with self.assertRaises(ConnectionRefusedError):  # by the machine itself: nobody listens
            socket.create_connection(("10.77.1.1", 7001), 30)


@unittest.skipUnless(os.environ.get(INSIDE), "needs root for cgroups")
class Memory(unittest.TestCase):
    def test_who_has_too_little_memory_is_ended_by_the_kernel(self):
        hungry = "x = []\nwhile True: x.append(bytearray(1 << 16))"
        with cage.Cage(f"chaos-network-{os.getpid()}", 16 << 20) as small:
            done = subprocess.run(small.enter([sys.executable, "-c", hungry]), timeout=60,
                                  check=False)
            self.assertEqual(done.returncode, -9)
            self.assertGreater(small.kills(), 0)


if __name__ == "__main__":
    if os.geteuid() == 0 and not os.environ.get(INSIDE):
        os.execvpe("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                               "--mount-proc", sys.executable, "-B", *sys.argv],
                   {**os.environ, INSIDE: "1"})
    unittest.main()
