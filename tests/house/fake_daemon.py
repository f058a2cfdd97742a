#!/usr/bin/env python3
"""Stands in for bourse-master and bourse-agent, by the name it is started under. The agent starts
an orphan in a session of its own, as a shim is one. FAKE_AGENT=dies makes agents fail at once."""

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


def main():
    flags = dict(word[2:].split("=", 1) for word in sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if os.path.basename(sys.argv[0]) == "bourse-master":
        serve(int(flags["port"]))
    else:
        be_agent(flags)


if __name__ == "__main__":
    main()
