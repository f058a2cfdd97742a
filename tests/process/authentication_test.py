"""Who may use the HTTP APIs: real daemons that ask for principal and secret, by raw HTTP, by the
command line tool, by schedulers, and by a master that reads an agent's files."""

import base64
import ctypes
import json
import os
import signal
import subprocess
import unittest

from cluster_case import BIN, ClusterCase, wait_for
from v1_scheduler import JSON, PATH, Stream, post

TYPED = {"Content-Type": JSON}
ALL = ("--authenticate-http-readonly", "--authenticate-http-readwrite")
FRAMEWORKS = "--authenticate-http-frameworks"
MASTER_READS = ("state", "state-summary", "slaves", "frameworks", "tasks", "roles", "flags",
                "metrics", "metrics/snapshot", "maintenance/status")
MASTER_WRITES = ("api/v1", "quota", "weights", "reserve", "unreserve", "create-volumes",
                 "destroy-volumes", "teardown", "maintenance/schedule", "machine/down",
                 "machine/up")
AGENT_READS = ("state", "monitor/statistics", "containers", "flags", "metrics",
               "metrics/snapshot", "files/browse", "files/read", "files/download")
COSTS = {b"$y$": 1, b"$6$": 1000, b"$2b$": 4}  # the least of each kind
OPEN = ("health", "version", "master/health", "master/version")


def login(principal, secret):
    text = base64.b64encode(f"{principal}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {text}"}


def hashed(secret, kind):
    """As mkpasswd does."""
    crypt = ctypes.CDLL("libcrypt.so.1")
    crypt.crypt.restype = crypt.crypt_gensalt.restype = ctypes.c_char_p
    salt = crypt.crypt_gensalt(kind, ctypes.c_ulong(COSTS[kind]), b"0123456789abcdef0123", 20)
    return crypt.crypt(secret.encode(), salt).decode()


class Authentication(ClusterCase):
    def setUp(self):
        super().setUp()
        # The others are there to be guessed at: one each, so that no limit is met.
        self.accounts = {"ops": "open sesame", "web": "w", "node": "n",
                         **{f"other{i}": "x" for i in range(60)}}
        self.guesses = 0
        self.streams = []

    def tearDown(self):
        for stream in self.streams:
            stream.close()
        super().tearDown()

    def file(self, name, content, mode=0o600):
        path = self.dir / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return path

    def credentials(self, **accounts):
        return self.file("credentials", {"credentials": [
            {"principal": name, "secret": secret}
            for name, secret in (accounts or self.accounts).items()]})

    def credential(self, principal):
        return self.file(f"{principal}.json", {
            "principal": principal, "secret": self.accounts[principal]})

    def call(self, body, expect=200, who="ops"):
        answer = self.post(body, login(who, self.accounts[who]))
        self.assertEqual(answer.status, expect, answer.text)
        return json.loads(answer.body) if expect == 200 else answer.text

    def post(self, body, headers=(), path="/api/v1", port=None, method="POST"):
        return post(port or self.http_port, body, {**TYPED, **dict(headers)}, path, method)

    def begin(self, *flags):
        return self.start_master(*ALL, FRAMEWORKS, f"--credentials={self.credentials()}", *flags)

    def agent_port(self, agent):
        return int(agent.line("ready").split("http=")[1].rsplit(":", 1)[1])

    def asks(self, path, realm, port=None):
        """Nobody and strangers are told the realm; who is known is let in, whatever comes then."""
        self.guesses += 1
        for headers in ({}, login(f"other{self.guesses}", "wrong"),
                        {"Authorization": "Bearer open"}):
            with self.subTest(path, headers=headers):
                answer = self.post("{}", headers, "/" + path, port)
                self.assertEqual(answer.status, 401, answer.text)
                self.assertEqual(answer.headers["WWW-Authenticate"], f'Basic realm="{realm}"')
                self.assertTrue(answer.text.startswith("Authorization: "))
        answer = self.post("{}", login("web", "w"), "/" + path, port)
        self.assertNotIn(answer.status, (401, 429), path)

    def stream(self, info, headers):
        body = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {
            "user": "root", "name": "told", "failover_timeout": 60.0, **info}}}
        self.streams.append(Stream(self.http_port, body, {**TYPED, "Accept": JSON, **headers}))
        return self.streams[-1]

    # -- who is asked where

    def test_each_route_of_a_master_asks_in_the_realm_that_mesos_has_it_in(self):
        self.begin()
        for path in OPEN:
            self.assertEqual(self.post("", path="/" + path, method="GET").status, 200, path)
        self.assertEqual(self.post("", path="/redirect", method="GET").status, 307)
        self.assertEqual(self.post("", path="/", method="GET").status, 200)  # a page alone
        for path in MASTER_READS:
            self.asks(path, "mesos-master-readonly")
        for path in MASTER_WRITES:
            self.asks(path, "mesos-master-readwrite")
        for path in ("master/state.json", "/state/", "master/state/x"):
            self.assertEqual(self.post("", path="/" + path).status, 401, path)
        self.asks("api/v1/scheduler", "mesos-master-scheduler")

    def test_without_its_flag_a_realm_asks_nobody(self):
        self.start_master("--authenticate-http-readwrite", f"--credentials={self.credentials()}")
        for headers in ({}, login("ops", "wrong"), login("ops", "open sesame")):
            self.assertEqual(self.post("", headers, "/state", method="GET").status, 200)
        self.assertEqual(self.post({"type": "GET_HEALTH"}).status, 401)
        stream = self.stream({}, login("nobody", "x"))
        stream.wait("SUBSCRIBED")

    def test_each_route_of_an_agent_asks_in_the_realm_that_mesos_has_it_in(self):
        self.begin()
        port = self.agent_port(self.start_agent(
            "a", *ALL, f"--http_credentials={self.credentials()}"))
        for path in ("health", "version", "slave(1)/health"):
            self.assertEqual(self.post("", path="/" + path, port=port, method="GET").status, 200)
        for path in AGENT_READS:
            self.asks(path, "mesos-agent-readonly", port)
        self.asks("slave(1)/state", "mesos-agent-readonly", port)
        self.asks("api/v1", "mesos-agent-readwrite", port)
        # Executors have tokens of their own.
        self.assertNotEqual(self.post("{}", path="/api/v1/executor", port=port).status, 401)
        metrics = json.loads(self.post("", login("web", "w"), "/metrics/snapshot", port).body)
        self.assertGreater(metrics["bourse/http_authentication/wrong_passwords"], 0)

    # -- whose call it is

    def test_a_framework_speaks_for_the_principal_it_proved_to_be(self):
        self.begin()
        own = login("web", "w")
        named = self.stream({"principal": "ops"}, own)
        self.assertEqual(named.status, 400)
        self.assertIn("Authenticated principal 'web' does not match principal 'ops' set in "
                      "`FrameworkInfo`", self.post({"type": "SUBSCRIBE", "subscribe": {
                          "framework_info": {"user": "root", "name": "x", "principal": "ops"}}},
                          own, PATH).text)
        stream = self.stream({}, own)
        framework = stream.wait("SUBSCRIBED")["subscribed"]["framework_id"]
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
        self.assertEqual(known[0]["framework_info"]["principal"], "web")
        revive = {"type": "REVIVE", "framework_id": framework}
        mine = {"Mesos-Stream-Id": stream.id}
        stranger = self.post(revive, {**login("ops", "open sesame"), **mine}, PATH)
        self.assertEqual(stranger.status, 400)
        self.assertIn("principal 'ops' does not match principal 'web'", stranger.text)
        self.assertEqual(self.post(revive, mine, PATH).status, 401)
        self.assertEqual(self.post(revive, {**own, **mine}, PATH).status, 202)

    def test_a_framework_that_named_nobody_keeps_its_tasks_when_secrets_are_asked_for(self):
        self.start_master()
        stream = self.stream({}, {})
        framework = stream.wait("SUBSCRIBED")["subscribed"]["framework_id"]
        self.processes[-1].end()
        self.begin()
        body = {"type": "SUBSCRIBE", "framework_id": framework, "subscribe": {"framework_info": {
            "user": "root", "name": "told", "failover_timeout": 60.0, "id": framework}}}
        again = Stream(self.http_port, body, {**TYPED, "Accept": JSON, **login("web", "w")})
        self.streams.append(again)
        self.assertEqual(again.wait("SUBSCRIBED")["subscribed"]["framework_id"], framework)
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
        self.assertEqual([f["framework_info"]["principal"] for f in known], ["web"])

    def test_limits_of_a_principal_are_those_of_who_proved_to_be_it(self):
        self.begin("--scheduler-streams=1")
        first = self.stream({}, login("web", "w"))
        first.wait("SUBSCRIBED")
        self.assertEqual(self.stream({}, login("web", "w")).status, 503)
        self.stream({}, login("ops", "open sesame")).wait("SUBSCRIBED")

    def test_what_an_operator_reserves_is_reserved_by_who_he_proved_to_be(self):
        self.begin()
        self.start_agent()
        agent = self.wait_agents(1)[0]["agent_info"]["id"]

        def reserve(principal, who):
            return self.post({"type": "RESERVE_RESOURCES", "reserve_resources": {
                "agent_id": agent, "resources": [{
                    "name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "reservations": [
                        {"type": "DYNAMIC", "role": "r", "principal": principal}]}]}},
                login(who, self.accounts[who]))

        refused = reserve("web", "ops")
        self.assertEqual(refused.status, 400)
        self.assertIn("names principal 'web', and 'ops' asks", refused.text)
        self.assertEqual(reserve("ops", "ops").status, 202)
        # The command line tool names who asks, unless told another.
        asks = ("reserve", "127.0.0.1", "cpus:1", "--role=r",
                f"--credential={self.credential('web')}")
        self.assertIn("names principal 'ops', and 'web' asks",
                      self.cli(*asks, "--principal=ops", expect=1))
        self.cli(*asks)

    # -- clients

    def test_the_command_line_tool_asks_with_the_credential_of_a_file(self):
        self.begin()
        told = self.cli("agents", expect=1)
        self.assertIn("--credential=FILE or BOURSE_CREDENTIAL", told)
        file = self.credential("web")
        self.cli("agents", f"--credential={file}")
        done = subprocess.run([BIN / "bourse", "state"], capture_output=True, text=True, env={
            **os.environ, "BOURSE_MASTER": f"127.0.0.1:{self.http_port}",
            "BOURSE_CREDENTIAL": str(file)})
        self.assertEqual(done.returncode, 0, done.stderr)
        stale = self.file("stale.json", {"principal": "web", "secret": "old"})
        self.assertIn("says is not right here",
                      self.cli("agents", f"--credential={stale}", expect=1))
        file.chmod(0o644)
        self.assertIn("chmod 600", self.cli("agents", f"--credential={file}", expect=2))

    def test_a_scheduler_of_the_sdk_subscribes_with_the_credential_of_a_file(self):
        self.begin()
        self.start_agent()
        master = f"http://127.0.0.1:{self.http_port}"
        scheduler = self.start_scheduler(master=master, env={
            "TOLD_CREDENTIAL": str(self.credential("web"))})
        scheduler.say("launch one 100 32 true")
        scheduler.line("update one TASK_FINISHED")
        known = self.call({"type": "GET_FRAMEWORKS"})["get_frameworks"]["frameworks"]
        self.assertEqual(known[0]["framework_info"]["principal"], "web")
        for file, why in ((self.file("stale.json", {"principal": "web", "secret": "old"}),
                           "no such principal, or another secret"),
                          (self.dir / "none.json", "options.credential_file: ")):
            refused = self.start("refused", [BIN / "told-scheduler", master], True,
                                 {"TOLD_CREDENTIAL": str(file)})
            wait_for("its end", lambda r=refused: r.popen.poll() is not None)
            self.assertIn(why, "\n".join(refused.lines + refused.errors))

    def test_a_master_reads_files_of_an_agent_in_its_own_name(self):
        master = self.begin("--agent-credential=" + str(self.credential("node")))
        agent = self.start_agent("a", *ALL, "--credentials=" + str(self.file(
            "agents", {"credentials": [{"principal": "node", "secret": "n"}]})))
        self.wait_agents(1)
        scheduler = self.start_scheduler()
        scheduler.say("launch one 100 32 echo said; exec sleep 1000")
        scheduler.line("update one TASK_RUNNING")
        own = f"--credential={self.credential('web')}"
        wait_for("its log", lambda: self.cli("logs", "one", own) == "said\n")
        # Who asks the master is not known to the agent, and his secret never goes there.
        self.assertEqual(self.post({"type": "GET_HEALTH"}, login("web", "w"),
                                   port=self.agent_port(agent)).status, 401)
        master.end()
        self.begin()
        self.wait_agents(1)
        wait_for("what is missing", lambda: "--agent-credential=FILE" in subprocess.run(
            [BIN / "bourse", "logs", "one", own, f"--master=127.0.0.1:{self.http_port}"],
            capture_output=True, text=True).stderr)

    def test_the_service_scheduler_asks_by_what_a_request_does(self):
        self.start_master()
        service = self.start("service", [
            BIN / "bourse-service", f"--master=127.0.0.1:{self.link_port}", "--listen=127.0.0.1:0",
            f"--store={self.dir}/store", *ALL, f"--credentials={self.credentials()}"])
        port = int(service.line("ready").rsplit(":", 1)[1])
        for method, path, realm in (("GET", "/v1/apps", "readonly"),
                                    ("PUT", "/v1/apps/a", "readwrite"),
                                    ("GET", "/metrics", "readonly")):
            answer = self.post("", path=path, port=port, method=method)
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.headers["WWW-Authenticate"],
                             f'Basic realm="bourse-service-{realm}"')
        self.assertEqual(self.post("", path="/health", port=port, method="GET").status, 200)
        address = f"--service=127.0.0.1:{port}"
        self.assertIn("--credential=FILE", self.cli("app", "list", address, expect=1))
        wait_for("it leads", lambda: self.post(
            "", login("web", "w"), "/v1/apps", port, "GET").status == 200)
        self.cli("app", "list", address, f"--credential={self.credential('web')}")

    # -- guesses

    def test_wrong_secrets_are_counted_and_slowed_down_per_address(self):
        self.begin()
        found = [self.post("", login("ops", f"guess {i}"), "/state").status for i in range(30)]
        self.assertIn(429, found)
        self.assertEqual(found[:5], [401] * 5)
        self.assertEqual(set(found), {401, 429})
        # Others go on meanwhile, and the guessed one does when it has been quiet.
        metrics = json.loads(self.post("", login("web", "w"), "/metrics/snapshot").body)
        self.assertEqual(metrics["bourse/http_authentication/wrong_passwords"], found.count(401))
        self.assertEqual(metrics["bourse/http_authentication/limited"], found.count(429))
        wait_for("its turn", lambda: self.post(
            "", login("ops", "open sesame"), "/state").status == 200)

    def test_secrets_may_be_kept_as_hashes(self):
        accounts = {name: hashed(f"secret of {name}", kind)
                    for name, kind in zip(("y", "six", "b"), COSTS)}
        self.start_master(*ALL, f"--credentials={self.credentials(**accounts)}")
        for name, kept in accounts.items():
            with self.subTest(name):
                self.assertEqual(self.post("", login(name, "wrong"), "/state").status, 401)
                self.assertEqual(self.post("", login(name, kept), "/state").status, 401)
                for _ in range(2):
                    self.assertEqual(
                        self.post("", login(name, f"secret of {name}"), "/state").status, 200)

    def test_at_a_hangup_the_credentials_are_read_anew_and_a_broken_file_changes_nothing(self):
        master = self.begin()
        agent = self.start_agent("a", *ALL, f"--credentials={self.dir}/credentials")
        daemons = ((master, self.http_port), (agent, self.agent_port(agent)))

        def status(who, secret, port):
            return self.post("", login(who, secret), "/state", port, "GET").status

        def hang_up(says):
            for process, _ in daemons:
                process.errors.clear()
                process.popen.send_signal(signal.SIGHUP)
            for process, _ in daemons:
                wait_for(says, lambda process=process: says in "\n".join(process.errors))

        for _, port in daemons:
            self.assertEqual(status("web", "w", port), 200)
        self.credentials(ops="another", late=hashed("l", b"$6$"))
        for _, port in daemons:
            self.assertEqual(status("late", "l", port), 401)
        hang_up("credentials: read anew")
        for _, port in daemons:
            self.assertEqual([status("ops", "another", port), status("late", "l", port),
                              status("web", "w", port)], [200, 200, 401])
        for broken, mode in (("{", 0o600), ({"credentials": []}, 0o644)):
            self.file("credentials", broken, mode)
            hang_up("those of before go on")
            for process, port in daemons:
                self.assertIn(f"{self.dir}/credentials", "\n".join(process.errors))
                self.assertEqual(status("ops", "another", port), 200)

    # -- flags

    def test_flags_and_files_that_would_let_nobody_or_everybody_in_are_refused(self):
        good = self.credentials()
        cut = {"credentials": [{"principal": "a", "secret": "$6$hidden"}]}
        twice = {"credentials": [{"principal": "a", "secret": "hidden"}] * 2}
        for flags, why in (
            ((ALL[0],), "--credentials: is missing beside --authenticate-http-"),
            ((ALL[0], f"--credentials={self.dir}/none"), "cannot be read"),
            ((f"--credentials={self.file('open', 'hidden', 0o644)}",), "chmod 600"),
            ((f"--credentials={self.file('text', 'a hidden')}",), "--credentials: "),
            ((f"--credentials={self.file('twice', twice)}",),
             "credentials[1].principal: 'a' is there twice"),
            ((f"--credentials={self.file('cut', cut)}",),
             "secret: of 'a' begins as a hash does"),
        ):
            for program in ("bourse-master", "bourse-agent"):
                with self.subTest(program, flags=flags):
                    argv = [BIN / program, f"--work-dir={self.dir}/{program}", "--port=0", *flags]
                    argv += ["--master=127.0.0.1:1"] if program == "bourse-agent" else []
                    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
                    self.assertEqual(done.returncode, 1, done.stderr)
                    self.assertIn(why, done.stderr)
                    self.assertNotIn("hidden", done.stderr)
        argv = [BIN / "bourse-master", f"--work-dir={self.dir}/m", f"--agent-credential={good}"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
        self.assertIn("--agent-credential: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
