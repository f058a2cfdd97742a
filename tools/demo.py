#!/usr/bin/env python3
"""`./dev demo`: a cluster on this machine, a web of shops on loopback, and the crawler working
through them as a framework. Ends with a summary and the path of the result; Ctrl-C leaves nothing.
"""

import argparse
import errno
import json
import os
import pathlib
import signal
import sys
import time

from local_cluster import cluster, crawl

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("BOURSE_BIN", ROOT / "build/release/bin"))
STATE = pathlib.Path(os.environ.get("BOURSE_STATE_DIR", ROOT / "build/demo"))
RESULTS = pathlib.Path(os.environ.get("BOURSE_DEMO_OUT", ROOT / "demo-out"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Ctrl-C, a closed terminal, or a request to end."""


def ignore_signals():
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interrupt_on_signals():
    def interrupt(_number, _frame):
        ignore_signals()  # a second Ctrl-C must not disturb the cleaning up
        raise Interrupted

    for number in SIGNALS:
        signal.signal(number, interrupt)


def parse():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--shops", type=int, default=300, help="how many shops the web has")
    parser.add_argument("--items", type=int, default=100, help="how many items each shop has")
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--unthrottled", action="store_true", help="shops take any rate")
    parser.add_argument("--keep", action="store_true", help="stay up at the end, until Ctrl-C")
    parser.add_argument("--port", type=int, default=5050, help="of web UI and API; 0: any")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    options = parser.parse_args()
    for name in ("shops", "items", "agents"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} must be at least 1")
    if not 0 <= options.port <= 65535:
        parser.error("--port must be 0 to 65535")
    return options


def end_what_was_left():
    """A demo that was killed left its state behind: end it before this one begins."""
    state = cluster.recorded(STATE)
    if state is None:
        return
    keeper = cluster.Identity(**state["keeper"])
    if keeper.alive():
        raise cluster.Refusal(
            f"a demo is running already at http://{state['http']}: end it with Ctrl-C in its "
            f"terminal, or with \"kill {keeper.pid}\"."
        )
    cluster.end_recorded(STATE, BIN)


class Demo:
    def __init__(self, options):
        self.options = options
        self.local = cluster.Cluster(STATE, BIN)
        self.out = RESULTS / time.strftime("%Y%m%d-%H%M%S")

    def say(self, name, text):
        print(f"{name:<12}{text}", file=sys.stderr if self.options.json else sys.stdout, flush=True)

    def run(self):
        """The whole demo; returns its summary."""
        options, local = self.options, self.local
        started = time.monotonic()
        crawl.require(local, crawl.WEB, crawl.CRAWLER, crawl.CHECK)
        local.start(options.agents, options.port)
        self.say("starting", f"took {time.monotonic() - started:.1f} s: a master, "
                 f"{options.agents} agents")
        self.say("web UI", f"http://{local.http}")
        web = crawl.Web(local, options.shops, options.items, options.unthrottled)
        self.say("shops", f"{options.shops} with {options.items} items each at {web.address}")
        self.out.mkdir(parents=True, exist_ok=True)
        begun = time.monotonic()
        status = crawl.run_crawler(local, web, self.out, options)
        if status != 0:
            raise cluster.Refusal(
                f"the crawler ended with exit status {status}: its log is {local.dir}/crawler.log."
            )
        summary = crawl.summarise(local, web, self.out, time.monotonic() - begun)
        self.tell(summary)
        return summary

    def tell(self, summary):
        self.say("items", f"{summary['items_found']} found of {summary['items_expected']}: "
                 f"{summary['items_missing']} missing, {summary['items_duplicate']} twice, "
                 f"{summary['items_wrong']} wrong")
        self.say("pages", f"{summary['pages']} in {summary['seconds']:.1f} s, "
                 f"{summary['pages_per_second']:.0f} a second")
        self.say("manners", f"{summary['pacing_violations']} requests too soon, "
                 f"{summary['disallowed_fetches']} to forbidden pages, as the shops saw them")
        self.say("result", summary["result"])

    def stay_up(self):
        self.say("still up", f"http://{self.local.http} until Ctrl-C")
        while True:
            signal.pause()

    def end(self):
        ignore_signals()
        left = self.local.stop()
        if left:
            print("./dev: could not be ended or removed: " + ", ".join(left), file=sys.stderr)
        return not left


def main():
    options = parse()
    demo = Demo(options)
    summary, code = None, 0
    try:
        interrupt_on_signals()
        end_what_was_left()
        summary = demo.run()
        if options.keep:
            demo.stay_up()
    except cluster.Refusal as refusal:
        print(f"./dev: {refusal}", file=sys.stderr)
        code = 2
    except Interrupted:
        code = 0 if summary is not None else 130
    except BaseException as error:  # whatever it is, nothing stays behind
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full:
            demo.end()
            raise
        print(f"./dev: the disk of {STATE} or {RESULTS} is full: free some space, then run the "
              "same command again.", file=sys.stderr)
        code = 2
    clean = demo.end()
    if summary is not None and options.json:
        print(json.dumps(summary))
    if not clean:
        return 1
    return 1 if summary is not None and code == 0 and not summary["exact"] else code


if __name__ == "__main__":
    sys.exit(main())
