#!/usr/bin/env python3
"""state-reads: what the classic reads of whole state cost a master of a large cluster.

10,000 simulated agents on real sockets with 10 tasks each; then each read is asked for a few times
over HTTP, from the first byte of the request to the last of the answer, without gzip. Floor: the
same bytes, sent whole by a process that has them. `read_beside`: the longest of small reads that
others make of the view while `/state` is made again and again; its floor is the same without
`/state`.
"""

import argparse
import multiprocessing
import socket
import sys
import threading
import time

from driving.masters import Master
from driving.programs import Stuck
from driving.report import Report
from reregister import TASKS, Crowd, box, cpu_seconds_of, wait_active

READS = ("/state", "/state-summary", "/slaves", "/frameworks", "/tasks?limit=100000")
SMALL = "/roles"


def ask(address, path):
    """Seconds and bytes of the answer."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(address, timeout=120) as connection:
        begun = time.monotonic()
        connection.sendall(request.encode())
        chunks = []
        while chunk := connection.recv(1 << 20):
            chunks.append(chunk)
        took = time.monotonic() - begun
    answer = b"".join(chunks)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Stuck(f"{path}: {answer[:200]!r}")
    return took, answer


def send_same(server, answer):
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)


def floor_of(answer, repetitions):
    server = socket.create_server(("127.0.0.1", 0))
    process = multiprocessing.Process(target=send_same, args=(server, answer), daemon=True)
    process.start()
    try:
        return min(ask(server.getsockname(), "/")[0] for _ in range(repetitions))
    finally:
        process.kill()
        server.close()


def measure_beside(address, seconds):
    """The longest of small reads, without and with somebody who reads the whole state."""
    def longest():
        end, worst = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            worst = max(worst, ask(address, SMALL)[0])
            time.sleep(0.005)
        return worst
    alone = longest()
    over = threading.Event()

    def read_state():
        while not over.is_set():
            ask(address, "/state")
    reader = threading.Thread(target=read_state)
    reader.start()
    try:
        return longest(), alone
    finally:
        over.set()
        reader.join()


def measure(agents, report, repetitions):
    with box() as place:
        master = Master(place / "master")
        crowd = Crowd(agents, 2, place)
        try:
            report.progress(f"{crowd.count} agents with {TASKS} tasks each")
            crowd.meet([master.link])
            wait_active(master, crowd.count)
            crowd.make_tasks(master)
            crowd.hold()
            master.program.kill()
            master.start()
            crowd.meet([master.link])
            wait_active(master, crowd.count, crowd.count * TASKS)
            host, port = master.http.split(":")
            address = (host, int(port))
            params = {"agents": crowd.count, "tasks": crowd.count * TASKS,
                      "repetitions": repetitions}
            for path in READS:
                before = cpu_seconds_of(master.program.pid)
                took = [ask(address, path) for _ in range(repetitions)]
                cpu = (cpu_seconds_of(master.program.pid) - before) / repetitions
                best, answer = min(took, key=lambda one: one[0])
                name = path.split("?")[0].strip("/").replace("-", "_")
                report.progress(f"{path}: {len(answer)} bytes in {best * 1e3:.0f} ms, "
                                f"{cpu * 1e3:.0f} ms of the master's processor time")
                report.add(f"{name}_bytes", len(answer) / 1e6, "MB", params)
                report.add(f"{name}_ms", best * 1e3, "ms", params,
                           floor_of(answer, repetitions) * 1e3)
                report.add(f"{name}_master_cpu", cpu * 1e3, "ms", params)
            worst, alone = measure_beside(address, 5)
            report.add("read_beside_ms", worst * 1e3, "ms", params, alone * 1e3)
        finally:
            crowd.end()
            master.program.kill()


def main():
    parser = argparse.ArgumentParser(prog="./dev bench state-reads",
                                     description="What reads of whole state cost the master.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a tenth of the agents")
    options = parser.parse_args()
    report = Report("state-reads", options.json)
    try:
        measure(1_000 if options.quick else 10_000, report, 5)
    except Stuck as stuck:
        print(f"state-reads: {stuck}", file=sys.stderr)
        return 1
    return report.print()


if __name__ == "__main__":
    sys.exit(main())
