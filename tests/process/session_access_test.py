"""Who may have sessions, and who is told of them. Real agent, real containers."""

import base64
import json
import unittest

from cluster_case import BIN, wait_for
from session_case import ROOT, TYPED, SessionCase
from v1_scheduler import Scheduler, post


class SessionLists(SessionCase):
    def test_sessions_are_listed_as_nested_containers_for_who_asks_for_these(self):
        self.run_task()
        self.launch("exec sleep 1000", "one", kind="LAUNCH_NESTED_CONTAINER")

        def listed(**more):
            answer = post(self.port, {"type": "GET_CONTAINERS", **more}, TYPED, "/api/v1")
            return json.loads(answer.text)["get_containers"]["containers"]
        nested = wait_for("it is listed", lambda: [
            c for c in listed(get_containers={"show_nested": True})
            if "parent" in c["container_id"]])
        self.assertEqual(len(nested), 1)
        self.assertEqual(nested[0]["container_id"], self.key("one"))
        self.assertEqual(nested[0]["executor_id"], {"value": "t"})
        self.assertEqual(nested[0]["container_status"]["container_id"], self.key("one"))
        alone = [[{"value": self.container}]] * 2
        self.assertEqual([[c["container_id"] for c in listed(**more)] for more in (
            {}, {"get_containers": {"show_nested": False}})], alone)

        def classic(query):
            text = post(self.port, "", {}, "/containers" + query, "GET").text
            return [c["container_id"] for c in json.loads(text)]
        self.assertEqual(classic("?show_nested=true"), [self.container, "one"])
        self.assertEqual(classic(""), [self.container])
        # What has ended is none.
        self.assertEqual(self.ask("KILL_NESTED_CONTAINER", "one").status, 200)
        wait_for("it is gone", lambda: classic("?show_nested=true") == [self.container])


@unittest.skipUnless(ROOT, "an address beyond loopback, and back")
class SessionsBeyondLoopback(SessionCase):
    agent_flags = ("--ip=0.0.0.0", "--advertise-ip=127.0.0.1", "--insecure")

    def test_an_agent_that_listens_beyond_its_machine_has_no_sessions_unless_told(self):
        self.run_task()
        answer = self.launch("true", kind="LAUNCH_NESTED_CONTAINER")
        self.assertEqual(answer.status, 403, answer.text)
        self.assertIn("--sessions", answer.text)

    def test_beyond_its_machine_they_need_insecure_too_and_ask_who_it_is_where_told(self):
        refused = self.start("refused", [
            BIN / "bourse-agent", "--ip=0.0.0.0", "--advertise-ip=127.0.0.1", "--sessions",
            f"--work-dir={self.dir}/refused", f"--master=127.0.0.1:{self.link_port}"])
        self.assertEqual(wait_for("it ends", refused.popen.poll), 1)
        self.assertIn("--insecure", "\n".join(refused.errors))
        credentials = self.dir / "credentials"
        credentials.write_text(json.dumps({"credentials": [
            {"principal": "ops", "secret": "open sesame"}]}))
        credentials.chmod(0o600)
        self.agent.kill()
        agent = self.start_agent("a", *self.agent_flags, "--sessions",
                                 "--authenticate-http-readwrite", f"--credentials={credentials}")
        self.port = int(agent.line("ready").rsplit(":", 1)[1])
        # Its offer went with the first agent.
        self.framework.close()
        self.framework = Scheduler(self.http_port, failover_timeout=60.0)
        self.streams.append(self.framework)
        self.run_task()
        call = {"type": "LAUNCH_NESTED_CONTAINER", "launch_nested_container": {
            "container_id": self.key(), "command": {"value": "true"}}}
        self.assertEqual(post(self.port, call, TYPED, "/api/v1").status, 401)
        login = base64.b64encode(b"ops:open sesame").decode()
        answer = post(self.port, call, {**TYPED, "Authorization": f"Basic {login}"}, "/api/v1")
        self.assertEqual(answer.status, 200, answer.text)


if __name__ == "__main__":
    unittest.main()
