"""What a program that is none of ours can put into an ensemble: a client of ZooKeeper that sends
bytes as they are, and the form of a registry's shard, so that a test can seal what no build would
write."""

import socket
import struct

MASK = (1 << 64) - 1
OPEN_TO_ALL = struct.pack(">ii", 1, 31)


def _fold(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def fingerprint(body):
    """base/fingerprint.hpp, of one text."""
    a, b, c = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3
    state = b
    words = [len(body)]
    words += [int.from_bytes(body[at:at + 8], "little") for at in range(0, len(body), 8)]
    for word in words:
        state = _fold(state ^ word ^ a, word ^ b)
    return _fold(state ^ c, a)


def shard_of(key, shards):
    digest = 0xcbf29ce484222325
    for byte in key.encode():
        digest = (digest ^ byte) * 0x100000001b3 & MASK
    return (digest ^ (digest >> 32)) % shards


def sealed_shard(epoch, entries):
    """A whole shard of coordination/core/record.hpp: version 1, kind 3."""
    body = struct.pack("<BBQQI", 1, 3, epoch, 1, len(entries))
    for key, value in sorted(entries.items()):
        for text in (key.encode(), value.encode()):
            body += struct.pack("<I", len(text)) + text
    return struct.pack("<Q", fingerprint(body)) + body


def _buffer(data):
    return struct.pack(">i", len(data)) + data


class Refused(Exception):
    """By the server, with the code of its protocol."""

    NO_AUTH = -102

    def __init__(self, code):
        super().__init__(f"refused with {code}")
        self.code = code


class ZookeeperClient:
    """One session with the server at HOST:PORT. Not for waiting: it never says that it lives."""

    def __init__(self, address, timeout_ms=60000):
        host, port = address.split(":")
        self.stream = socket.create_connection((host, int(port)), 10)
        self.stream.settimeout(10)
        self.requests = 0
        self._send(struct.pack(">iqiq", 0, 0, timeout_ms, 0) + _buffer(bytes(16)))
        self._receive()

    def close(self):
        self.stream.close()

    def create(self, path, data):
        self._ask(1, _buffer(path.encode()) + _buffer(data) + OPEN_TO_ALL + _buffer(b"world") +
                  _buffer(b"anyone") + struct.pack(">i", 0))

    def set(self, path, data):
        self._ask(5, _buffer(path.encode()) + _buffer(data) + struct.pack(">i", -1))

    def delete(self, path):
        self._ask(2, _buffer(path.encode()) + struct.pack(">i", -1))

    def get(self, path):
        """What a znode holds."""
        answer = self._ask(4, _buffer(path.encode()) + b"\0")
        return answer[4:4 + struct.unpack(">i", answer[:4])[0]]

    def children(self, path):
        answer = self._ask(8, _buffer(path.encode()) + b"\0")
        count, at, names = struct.unpack(">i", answer[:4])[0], 4, []
        for _ in range(count):
            end = at + 4 + struct.unpack(">i", answer[at:at + 4])[0]
            names.append(answer[at + 4:end].decode())
            at = end
        return sorted(names)

    def _ask(self, kind, body):
        """What comes behind the head of the answer."""
        self.requests += 1
        self._send(struct.pack(">ii", self.requests, kind) + body)
        answer = self._receive()
        request, _, error = struct.unpack(">iqi", answer[:16])
        assert request == self.requests, (request, self.requests)
        if error != 0:
            raise Refused(error)
        return answer[16:]

    def _send(self, packet):
        self.stream.sendall(_buffer(packet))

    def _receive(self):
        return self._read(struct.unpack(">i", self._read(4))[0])

    def _read(self, size):
        data = b""
        while len(data) < size:
            block = self.stream.recv(size - len(data))
            assert block, "the server closed the connection"
            data += block
        return data
