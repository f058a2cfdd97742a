"""Late packets. The kernel here may have no netem, so they take a way through this process: while
it lasts, a machine's cable hangs on a socket, a tap device stands in its place on the bridge, and
each packet waits between the two for a time of its own. So they also arrive in another order."""

import fcntl
import heapq
import itertools
import os
import random
import select
import socket
import struct
import threading
import time

ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_VNET_HDR = 263, 15
PACKET_OUTGOING = 4
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
# Checksums and segments that the sender left to a network card: the header in front says so, and
# whoever takes the packet next must be told too.
OFFLOADS = 1 | 2 | 4
MOST_BYTES = 70_000
MOST_WAITING = 20_000  # packets; more are lost, as in any queue


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI |
                                            IFF_VNET_HDR))
    fcntl.ioctl(tap, TUNSETOFFLOAD, OFFLOADS)
    return tap


def open_cable(device):
    cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    cable.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    cable.bind((device, ETH_P_ALL))
    cable.setblocking(False)
    return cable


class Delay:
    """Between `device`, which hangs on no bridge, and a new tap device `name`: each packet arrives
    after low_s to high_s seconds. Counts what it carried and what found no room."""

    def __init__(self, device, name, low_s, high_s, seed):
        self.low_s, self.high_s = low_s, high_s
        self.random = random.Random(seed)
        self.cable = open_cable(device)
        self.tap = open_tap(name)
        self.carried = self.lost = 0
        self.waiting = []
        self.numbers = itertools.count()
        self.over = False
        self.thread = threading.Thread(target=self._carry, daemon=True)
        self.thread.start()

    def close(self):
        """What still waits is lost, as in a cable that is pulled."""
        self.over = True
        self.thread.join()
        self.cable.close()
        os.close(self.tap)

    def _carry(self):
        while not self.over:
            wait = min(max(self.waiting[0][0] - time.monotonic(), 0), 0.1) if self.waiting else 0.1
            ready, _, _ = select.select([self.cable, self.tap], [], [], wait)
            if self.cable in ready:
                self._take_all(self._from_cable, self._to_tap)
            if self.tap in ready:
                self._take_all(lambda: os.read(self.tap, MOST_BYTES), self.cable.send)
            self._give_due()

    def _take_all(self, read, write):
        for _ in range(256):
            try:
                packet = read()
            except BlockingIOError:
                return
            if packet is None:
                continue
            if len(self.waiting) >= MOST_WAITING:
                self.lost += 1
                continue
            due = time.monotonic() + self.random.uniform(self.low_s, self.high_s)
            heapq.heappush(self.waiting, (due, next(self.numbers), packet, write))

    def _from_cable(self):
        packet, address = self.cable.recvfrom(MOST_BYTES)
        return None if address[2] == PACKET_OUTGOING else packet

    def _to_tap(self, packet):
        os.write(self.tap, packet)

    def _give_due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            _, _, packet, write = heapq.heappop(self.waiting)
            try:
                write(packet)
                self.carried += 1
            except OSError:
                self.lost += 1
