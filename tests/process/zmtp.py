"""Just enough of ZMTP 3.0 (RFC 23, mechanism NULL) and of protobuf's wire format to play a peer
that no library would let us play: one that says what it should not, or never reads."""

import socket
import struct

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 0x01, 0x02, 0x04


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def ready(kind):
    name, value = b"Socket-Type", kind.encode()
    body = b"\x05READY" + bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return frame(body, COMMAND)


class Peer:
    """One connection after its handshake; `messages` holds what arrived."""

    def __init__(self, connection, kind):
        self.socket = connection
        self.socket.settimeout(10)
        self.rest = b""
        self.socket.sendall(GREETING)
        self._read(len(GREETING))
        self.socket.sendall(ready(kind))
        self.receive()  # its READY

    @classmethod
    def connect(cls, port, kind="DEALER"):
        return cls(socket.create_connection(("127.0.0.1", port), timeout=10), kind)

    @classmethod
    def accept(cls, listener, kind="ROUTER"):
        return cls(listener.accept()[0], kind)

    def send(self, body, flags=0):
        self.socket.sendall(frame(body, flags))

    def _read(self, size):
        while len(self.rest) < size:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed by the other end")
            self.rest += more
        out, self.rest = self.rest[:size], self.rest[size:]
        return out

    def receive(self):
        """The next message or command, without its flags."""
        flags = self._read(1)[0]
        size = struct.unpack(">Q", self._read(8))[0] if flags & LONG else self._read(1)[0]
        return self._read(size)

    def wait_closed(self):
        """Reads until the other end closes; what it said till then."""
        said = []
        try:
            while True:
                said.append(self.receive())
        except ConnectionError:  # also when it was reset
            return said

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def varint(number):
    out = b""
    while True:
        byte, number = number & 0x7F, number >> 7
        if not number:
            return out + bytes([byte])
        out += bytes([byte | 0x80])


def field(number, value):
    """A protobuf field: an int as varint, bytes or text with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def batch(*frames):
    return b"".join(varint(len(one)) + one for one in frames)


def frames(message):
    """How many frames a batch has."""
    count = at = 0
    while at < len(message):
        size = shift = 0
        while True:
            byte = message[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        at += size
        count += 1
    return count


def kind_of_event(message):
    """What the first event is that an agent tells an executor: the number of its type."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value
    number()  # the frame's length
    for key in (1 << 3 | 2, 1 << 3):  # its event, and in that the type
        if number() != key:
            return 0
        kind = number()
    return kind
