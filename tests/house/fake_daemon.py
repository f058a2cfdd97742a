#!/usr/bin/env python3
"""Stands in for the programs of a cluster, by the name it is started under.

The agent starts an orphan in a session of its own, as a shim is one; FAKE_AGENT=dies makes agents
fail at once. FAKE_CRAWLER=hangs makes the crawler wait for ever, FAKE_FOUND says what it finds.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import urllib.request

agents = []


class Master(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/register":
            agents.append({"active": True})
        self.answer(json.dumps({"get_agents": {"agents": agents}}).encode() if body else b"{}")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Master)
    address = f"127.0.0.1:{server.server_address[1]}"
    print(f"ready http={address} link={address}", flush=True)
    server.serve_forever()


def be_agent(flags):
    if os.environ.get("FAKE_AGENT") == "dies":
        sys.exit("cannot read the moon: give it a telescope")
    work_dir = flags["work-dir"]
    os.makedirs(work_dir)
    orphan = ["setsid", "--fork", "sleep", os.environ.get("FAKE_NAP", "1000")]
    subprocess.run(orphan, cwd="/" if os.environ.get("FAKE_AGENT") == "hides" else work_dir)
    request = urllib.request.Request(f"http://{flags['master']}/register", data=b"x", method="POST")
    urllib.request.urlopen(request).read()
    serve(0)


def be_shopweb(flags):
    def stop(*_arguments):
        with open(flags["stats"], "w", encoding="utf-8") as stats:
            json.dump({"pacing_violations": 0, "disallowed_fetches": 0, "pages": 40}, stats)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Master)
    port = server.server_address[1]
    items = int(flags["shops"]) * int(flags["items"])
    first = {"address": f"127.0.0.1:{port}", "port": port, "items_expected": items}
    print(json.dumps(first), flush=True)
    server.serve_forever()


def be_crawler(_flags):
    print(json.dumps({"items": 3, "pages": 9, "errors": 0}), flush=True)
    while os.environ.get("FAKE_CRAWLER") == "hangs":
        signal.pause()


def be_check(_flags):
    found = int(os.environ.get("FAKE_FOUND", "0"))
    counts = {"items_found": found, "items_missing": 10 - found, "items_duplicate": 0}
    print(json.dumps({**counts, "items_extra": 0, "items_wrong": 0, "exact": found == 10}))


ROLES = {
    "bourse-master": lambda flags: serve(int(flags["port"])),
    "bourse-agent": be_agent,
    "bourse-shopweb": be_shopweb,
    "bourse-crawler": be_crawler,
    "bourse-crawl-check": be_check,
}


def note_command():
    """What this program was asked to do, for the test to read: one line in the box."""
    with open(os.path.join(os.path.dirname(sys.argv[0]), "commands"), "a", encoding="utf-8") as log:
        log.write(" ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\n")


def main():
    note_command()
    flags = dict((word[2:] + "=").split("=", 1) for word in sys.argv[1:])
    flags = {name: value.removesuffix("=") for name, value in flags.items()}
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ROLES[os.path.basename(sys.argv[0])](flags)


if __name__ == "__main__":
    main()
