"""Subscribers of a master that never read what they are sent."""

import select
import socket

SUBSCRIBE = b'{"type":"SUBSCRIBE"}'
RECEIVE_BUFFER = 4096  # the kernel reads no more than that in their stead
CONNECT_S = 10


class Readers:
    def __init__(self, address, count):
        head = (f"POST /api/v1 HTTP/1.1\r\nHost: {address}:5050\r\nAccept: application/json\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(SUBSCRIBE)}\r\n\r\n")
        self.streams = []
        try:
            for _ in range(count):
                stream = socket.socket()
                self.streams.append(stream)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                stream.settimeout(CONNECT_S)
                stream.connect((address, 5050))
                stream.sendall(head.encode() + SUBSCRIBE)
        except OSError:
            self.close()
            raise
        self.waiting = list(self.streams)
        self.subscribed = 0

    def answered(self):
        """Of how many the answer has begun, and says that they are subscribed. It is left there."""
        poll = select.poll()
        for stream in self.waiting:
            poll.register(stream, select.POLLIN)
        ready = {number for number, _ in poll.poll(0)}
        for stream in self.waiting:
            if stream.fileno() in ready:
                self.subscribed += stream.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"
        self.waiting = [stream for stream in self.waiting if stream.fileno() not in ready]
        return self.subscribed

    def close(self):
        for stream in self.streams:
            stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
