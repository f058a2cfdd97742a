"""A master with a recorder is killed, its disk fills up, its ring runs over: what it wrote down is
replayed by `bourse replay` to the fingerprints that it had itself."""

import json
import os
import stat
import subprocess
import unittest
import urllib.request

from cluster_case import BIN, ClusterCase, wait_for


class RecordedCase(ClusterCase):
    def setUp(self):
        super().setUp()
        self.records = self.dir / "records"

    def start_recorded(self, *flags):
        return self.start_master(f"--recorder={self.records}", "--agent-heartbeat=20ms", *flags)

    def metric(self, name):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}/metrics/snapshot", timeout=10) as answer:
            return json.load(answer)[f"bourse/recorder/{name}"]

    def compared(self, more):
        """Waits until so many more fingerprints were compared, and all that waited is written."""
        goal = self.metric("fingerprints_equal") + more
        wait_for("fingerprints of the leader", lambda: self.metric("fingerprints_equal") >= goal)

    def replay(self, *words, expect=0):
        done = subprocess.run([str(BIN / "bourse"), "replay", *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stderr

    def sum(self, *words):
        """The last line of --json."""
        return json.loads(self.replay(*words, "--json").splitlines()[-1])

    def sizes(self):
        return [path.stat().st_size for path in self.records.glob("*.rec")]


class Replay(RecordedCase):
    def test_a_killed_master_is_replayed_to_the_fingerprints_that_it_had(self):
        master = self.start_recorded()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch done 1000 64 true")
        scheduler.line("update done TASK_FINISHED")
        scheduler.say("launch lives 1000 64 exec sleep 1000")
        scheduler.line("update lives TASK_RUNNING")
        self.compared(2)
        equal = self.metric("fingerprints_equal")
        master.kill()

        found = self.sum(self.records)
        self.assertGreaterEqual(found["fingerprints_equal"], equal)
        self.assertEqual([found[key] for key in ("run", "first_event", "agents", "frameworks",
                                                 "tasks", "ending", "error")],
                         [1, 1, 1, 1, 1, None, None])
        text = self.replay(self.records)
        self.assertIn(f"fingerprint {found['fingerprint']}: 1 agents, 1 frameworks, 1 tasks", text)
        self.assertIn("the master was killed", text)
        [file] = self.records.glob("*.rec")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(self.sum(file)["fingerprint"], found["fingerprint"])

        early = self.sum(self.records, "--until=5")
        self.assertEqual((early["last_event"], early["until_reached"]), (5, True))
        by_time = self.sum(self.records, f"--until={early['to']}")
        self.assertLess(by_time["last_event"], found["last_event"])
        self.assertIn("neither the number of an event nor a time",
                      self.replay(self.records, "--until=tomorrow", expect=1))

        # Another life in the same directory leaves this one alone.
        master = self.start_recorded()
        self.wait_agents(1)
        self.compared(1)
        master.end()
        second = self.sum(self.records)
        self.assertEqual((second["run"], second["ending"]), (2, "the master was stopped"))
        self.assertEqual(second["last_equal_after"], second["last_event"])
        self.assertEqual(self.sum(self.records, "--run=1")["fingerprint"], found["fingerprint"])
        self.assertIn("has no run 7; it has 1 to 2", self.replay(self.records, "--run=7", expect=1))

    def test_the_story_of_a_task_is_told_from_its_offer_to_its_end(self):
        master = self.start_recorded()
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch other 1000 64 exec sleep 1000")
        scheduler.say("launch t1 1000 64 exit 3")
        scheduler.line("update t1 TASK_FAILED")
        scheduler.say("launch t2 1000 64 exec sleep 1000")
        scheduler.line("update t2 TASK_RUNNING")
        self.cli("kill", "t2")
        scheduler.line("update t2 TASK_KILLED")
        master.end()

        story = self.replay(self.records, "--explain=t1")
        lines = story.splitlines()
        places = [next(i for i, line in enumerate(lines) if words in line) for words in (
            " of agent ", "and launches it with cpus:1; mem:64", "orders agent",
            "reports TASK_RUNNING", "reports TASK_FAILED", "tells its framework TASK_FAILED",
            "it has ended and is history")]
        self.assertEqual(places, sorted(places), story)
        self.assertNotIn("t2", story)
        self.assertIn("an operator kills it", self.replay(self.records, "--explain=t2"))
        as_json = [json.loads(line)
                   for line in self.replay(self.records, "--explain=t1", "--json").splitlines()]
        self.assertEqual({"event", "time", "by", "text"}, set(as_json[0]))
        self.assertIn("fingerprint", as_json[-1])
        self.assertIn("no event touched a task 'nobody'",
                      self.replay(self.records, "--explain=nobody"))

    def test_the_ring_keeps_its_bound_and_is_replayed_from_the_state_it_begins_with(self):
        master = self.start_recorded("--recorder-bytes=1MB")
        self.start_agent()
        scheduler = self.start_scheduler()
        scheduler.say("launch lives 1000 64 exec sleep 1000")
        scheduler.line("update lives TASK_RUNNING")
        events = self.metric("events")
        for i in range(30):
            scheduler.say(f"publish notes {i}" + "x" * 100_000)
        wait_for("what was published", lambda: self.metric("events") >= events + 30)
        self.compared(2)
        self.assertLessEqual(sum(self.sizes()), 1 << 20)
        self.assertGreater(len(self.sizes()), 2)
        self.assertEqual(self.metric("running"), 1)
        master.kill()
        self.assertLessEqual(sum(self.sizes()), 1 << 20)
        found = self.sum(self.records)
        self.assertGreater(found["first_event"], 1)
        self.assertGreaterEqual(found["fingerprints_equal"], 2)
        self.assertEqual((found["agents"], found["tasks"], found["error"]), (1, 1, None))

    def test_damaged_and_foreign_files_are_said(self):
        master = self.start_recorded()
        self.start_agent()
        self.compared(1)
        master.end()
        [file] = self.records.glob("*.rec")
        whole = file.read_bytes()
        file.write_bytes(whole[:-20])
        self.assertIn("cut off", self.replay(self.records))
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 4]) + whole[middle + 1:])
        self.assertRegex(self.replay(self.records, expect=1), "is damaged at byte [0-9]+")
        other = self.dir / "other"
        other.write_text("hello\n")
        self.assertIn("is not a recording of a master", self.replay(other, expect=1))
        self.assertIn("has no recording of a master in it", self.replay(self.dir, expect=1))
        self.assertIn("No such file", self.replay(self.dir / "no", expect=1))

    def test_a_recorder_that_cannot_begin_is_said_at_the_start(self):
        self.records.write_text("in the way")
        refused = subprocess.run(
            [str(BIN / "bourse-master"), "--port=0", "--agent-port=0",
             f"--work-dir={self.dir}/master", f"--recorder={self.records}"],
            capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--recorder: ", refused.stderr)
        self.assertIn("Not a directory", refused.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs root for a small file system")
class FullDisk(RecordedCase):
    def tearDown(self):
        subprocess.run(["umount", "-l", str(self.records)], check=False, capture_output=True)
        super().tearDown()

    def test_a_full_disk_ends_the_recording_and_the_master_goes_on(self):
        self.records.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(self.records)],
                       check=True)
        master = self.start_recorded()
        self.start_agent()
        scheduler = self.start_scheduler()
        for i in range(10):
            scheduler.say(f"publish notes {i}" + "x" * 100_000)
        wait_for("the recorder to stop", lambda: self.metric("running") == 0)
        self.assertTrue(any("recording stopped" in line and "No space left on device" in line
                            for line in master.errors), master.errors[-5:])
        scheduler.say("launch t1 1000 64 true")
        scheduler.line("update t1 TASK_FINISHED")
        found = self.sum(self.records)
        self.assertIsNone(found["error"])
        self.assertTrue(found["cut_off"] or found["ending"])


if __name__ == "__main__":
    unittest.main()
