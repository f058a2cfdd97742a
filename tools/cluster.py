#!/usr/bin/env python3
"""A local cluster in the background: `./dev up` and `./dev down`."""

import argparse
import os
import pathlib
import signal
import sys

from local_cluster import cluster
from local_cluster.processes import reap

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("BOURSE_BIN", ROOT / "build/release/bin"))
STATE = pathlib.Path(os.environ.get("BOURSE_STATE_DIR", ROOT / "build/cluster"))
DEMO_STATE = ROOT / "build/demo"  # of a demo that was killed before it could tidy up


class Ended(Exception):
    """Somebody asked this process to end."""


def end_on_signals():
    def raise_ended(_number, _frame):
        raise Ended

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, raise_ended)


def ignore_signals():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def detach(answer):
    """Leaves the terminal; what there is to say goes to the process that waits for the answer."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.dup2(answer, 3)
    os.closerange(4, 64)


def keep(options, answer):
    """The life of the keeper: starts the cluster, says so, waits for the order to end it."""
    detach(answer)
    end_on_signals()
    local = cluster.Cluster(STATE, BIN)
    try:
        local.start(options.agents, options.port, options.services)
        os.write(3, f"ready {local.http} {local.link} {local.services or ''}".encode())
        os.close(3)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # wakes the pause below
        while True:
            signal.pause()
            reap()
    except cluster.Refusal as refusal:
        ignore_signals()
        local.stop()
        os.write(3, f"failed {refusal}".encode())
    except (Ended, BrokenPipeError):
        ignore_signals()
        local.stop()


def up(options):
    state = cluster.recorded(STATE)
    if state is not None:
        if cluster.Identity(**state["keeper"]).alive():
            raise cluster.Refusal(
                f"a cluster is up already at http://{state['http']}: ./dev down ends it."
            )
        cluster.end_recorded(STATE, BIN)
    cluster.check_port(options.port)
    read_end, write_end = os.pipe()
    keeper = os.fork()
    if keeper == 0:
        try:
            os.close(read_end)
            keep(options, write_end)
        finally:
            os._exit(0)
    os.close(write_end)
    return wait_for_keeper(keeper, read_end, options.agents)


def wait_for_keeper(keeper, read_end, agents):
    with os.fdopen(read_end, "rb") as answer:
        try:
            said = answer.read().decode()
        except KeyboardInterrupt:
            os.kill(keeper, signal.SIGTERM)
            os.waitpid(keeper, 0)
            return 130
    word, _, rest = said.partition(" ")
    if word != "ready":
        raise cluster.Refusal(rest or f"the cluster did not start: its logs are in {STATE}.")
    http, link, *services = rest.split()
    print(f"ready: {agents} agents, web UI and API at http://{http}, frameworks at {link}")
    for address in services:
        print(f"apps:  bourse app --service={address}, see docs/services.md")
    print(f"logs:  {STATE}")
    print("end:   ./dev down")
    return 0


def running_demo():
    """Where a demo that runs in another terminal is reached, or None."""
    state = None if "BOURSE_STATE_DIR" in os.environ else cluster.recorded(DEMO_STATE)
    alive = state is not None and cluster.Identity(**state["keeper"]).alive()
    return (state["http"], state["keeper"]["pid"]) if alive else None


def down(_options):
    demo = running_demo()
    states = [STATE] if "BOURSE_STATE_DIR" in os.environ or demo else [STATE, DEMO_STATE]
    ended = [cluster.end_recorded(state, BIN) for state in states]
    if demo:
        print(
            f"./dev: a demo runs at http://{demo[0]} and goes on: end it with Ctrl-C in its "
            f'terminal, or with "kill {demo[1]}".',
            file=sys.stderr,
        )
    if all(left is None for left in ended):
        print("no local cluster is up")
        return 0
    left = [what for one in ended for what in one or []]
    if left:
        print("./dev: could not be ended or removed: " + ", ".join(left), file=sys.stderr)
        return 1
    print("down: no process, cgroup, mount or port is left")
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="up|down")
    starter = verbs.add_parser("up", help="start it and return when it is ready")
    starter.add_argument("--agents", type=int, default=3)
    starter.add_argument("--port", type=int, default=5050, help="of web UI and API; 0: any")
    starter.add_argument("--services", action="store_true", help="and what keeps apps running")
    starter.set_defaults(verb=up)
    verbs.add_parser("down", help="end it and leave nothing").set_defaults(verb=down)
    options = parser.parse_args()
    if options.verb is up and options.agents < 1:
        parser.error("--agents must be at least 1")
    if options.verb is up and not 0 <= options.port <= 65535:
        parser.error("--port must be 0 to 65535")
    try:
        return options.verb(options)
    except cluster.Refusal as refusal:
        print(f"./dev: {refusal}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
