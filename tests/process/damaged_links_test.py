"""The SDK's two ends of a link to somebody who talks nonsense: a scheduler's to its master, an
executor's to its agent. Neither believes the rest; both begin anew and lose nothing."""

import os
import socket
import struct
import threading
import unittest

import zmtp
from cluster_case import BIN, ClusterCase

FRAMEWORK = b"bourse-framework/1"
FRAME_LIMIT = 8 << 20
LAUNCH, KILL = 2, 3  # kinds of an executor's event


class DamagingLink:
    """Stands between executors and their agent, and damages the first LAUNCH and the first KILL.
    Later ones follow an event of a kind that only later versions know."""

    def __init__(self, path, agents):
        self.path, self.agents = str(path), str(agents)
        self.connections, self.damaged, self.sockets = 0, set(), []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                executor, _ = self.listener.accept()
                agent = socket.socket(socket.AF_UNIX)
                agent.connect(self.agents)
                self.connections += 1
                self.sockets += [executor, agent]
                for pair, change in (((executor, agent), lambda message: message),
                                     ((agent, executor), self.damage)):
                    threading.Thread(target=self.carry, args=(*pair, change), daemon=True).start()
        except OSError:
            pass  # closed

    def damage(self, message):
        kind = zmtp.kind_of_event(message)
        if kind not in (LAUNCH, KILL):
            return message
        if kind in self.damaged:
            return zmtp.batch(zmtp.field(1, zmtp.field(1, 99))) + message
        self.damaged.add(kind)
        return message[:-1] if kind == LAUNCH else zmtp.batch(b"\xff\xff\xff")

    @staticmethod
    def carry(source, target, change):
        """Message by message, until one end closes: then the other is closed too."""
        try:
            with source.makefile("rb") as stream:
                while len(head := stream.read(4)) == 4:
                    message = change(stream.read(struct.unpack("<I", head)[0]))
                    target.sendall(struct.pack("<I", len(message)) + message)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        for one in [self.listener, *self.sockets]:
            one.close()


class DamagedLinks(ClusterCase):
    def test_a_framework_outlives_a_master_that_talks_nonsense_and_finds_the_real_one(self):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(20)
        self.link_port = listener.getsockname()[1]
        scheduler = self.start(
            "scheduler", [BIN / "told-scheduler", f"127.0.0.1:{self.link_port}", "-"], True)
        nonsense = [
            b"\x80" * 11,
            zmtp.varint(100) + b"short",
            zmtp.batch(b"\xff\xff\xff"),
            zmtp.batch(zmtp.field(99, b"from a later version")),
            zmtp.batch(zmtp.field(1, 1) + zmtp.field(3, b"\x08\x01")),  # SUBSCRIBED as nobody
            os.urandom(5000),
            bytes(FRAME_LIMIT + 1),
        ]
        for message in nonsense:
            peer = zmtp.Peer.accept(listener)
            self.assertEqual(peer.receive(), FRAMEWORK)
            peer.receive()  # its SUBSCRIBE: the session begins anew
            try:
                peer.send(message)
                peer.wait_closed()
            except ConnectionError:
                pass  # it closed while the message was under way
            peer.close()
        scheduler.line("disconnected the master's messages do not parse")
        self.assertIsNone(scheduler.popen.poll())
        listener.close()
        self.start_master()
        scheduler.line("registered")
        self.start_agent()
        scheduler.say("launch own 100 32 true")
        scheduler.line("update own TASK_FINISHED")
        scheduler.say("teardown")

    def test_a_launch_and_a_kill_that_reach_an_executor_damaged_are_said_again(self):
        self.start_master()
        self.start_agent()
        between = DamagingLink(self.dir / "between", self.dir / "ar/executors.sock")
        self.addCleanup(between.close)
        program = self.dir / "behind-it"
        program.write_text(f"#!/bin/sh\nBOURSE_EXECUTOR_SOCKET={between.path} exec "
                           f"{BIN / 'told-executor'}\n")
        program.chmod(0o755)
        scheduler = self.start_scheduler()
        scheduler.say(f"launch-with own t 100 32 {program}")
        scheduler.line("update t TASK_RUNNING")
        scheduler.say("kill t")
        scheduler.line("update t TASK_KILLED")
        self.assertEqual(between.damaged, {LAUNCH, KILL})
        self.assertEqual(between.connections, 3)


if __name__ == "__main__":
    unittest.main()
