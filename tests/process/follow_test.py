"""Who follows a real master with SUBSCRIBE comes back with `since` and gets what it missed, and
only that."""

import unittest

from cluster_case import ClusterCase
from v1_scheduler import JSON, Stream, post


class Follow(ClusterCase):
    def follow(self, **how):
        stream = Stream(self.http_port, {"type": "SUBSCRIBE", "subscribe": how}, path="/api/v1")
        self.addCleanup(stream.close)
        return stream

    def test_a_follower_that_comes_back_gets_exactly_what_it_missed(self):
        self.start_master()
        self.start_agent()
        mine, other = self.start_scheduler(), self.start_scheduler()
        mine.say("launch seen 100 32 sleep 1000")
        mine.line("update seen TASK_RUNNING")
        first = self.follow()
        opening = first.wait("SUBSCRIBED")
        self.assertNotIn("resumed", opening["subscribed"])
        shown = opening["subscribed"]["get_state"]["get_tasks"]["tasks"]
        self.assertEqual([task["task_id"]["value"] for task in shown], ["seen"])
        mine.say("launch before 100 32 sleep 1000")
        last = first.wait("TASK_UPDATED", lambda event: (
            event["task_updated"]["status"]["task_id"]["value"] == "before"
            and event["task_updated"]["state"] == "TASK_RUNNING"))
        first.close()
        for name, scheduler in (("missed", mine), ("strange", other)):
            scheduler.say(f"launch {name} 100 32 sleep 1000")
            scheduler.line(f"update {name} TASK_RUNNING")
        again = self.follow(since=last["sequence"], types=["TASK_UPDATED"],
                            framework_id={"value": mine.framework_id})
        resumed = again.wait("SUBSCRIBED")
        self.assertTrue(resumed["subscribed"]["resumed"])
        self.assertEqual(resumed["subscribed"]["get_state"]["get_tasks"]["tasks"], [])
        again.wait("TASK_UPDATED", lambda event: event["task_updated"]["state"] == "TASK_RUNNING")
        again.wait("HEARTBEAT")  # comes after all that was missed
        told = again.json_events("TASK_UPDATED")
        self.assertEqual({event["task_updated"]["status"]["task_id"]["value"] for event in told},
                         {"missed"})
        self.assertEqual({event["type"] for event in again.json_events()},
                         {"SUBSCRIBED", "TASK_UPDATED", "HEARTBEAT"})
        numbers = [event["sequence"] for event in told]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertGreater(numbers[0], last["sequence"])
        # And goes on from there.
        mine.say("kill missed 100")
        again.wait("TASK_UPDATED", lambda event: event["task_updated"]["state"] == "TASK_KILLED")

    def test_a_sequence_of_another_master_gets_the_state_afresh(self):
        self.start_master()
        stream = self.follow(since=10**15)
        self.assertNotIn("resumed", stream.wait("SUBSCRIBED")["subscribed"])

    def test_a_filter_without_sense_is_refused_by_its_name(self):
        self.start_master()
        for how, said in (({"types": ["TASK_FOUND"]}, "subscribe.types: 'TASK_FOUND'"),
                          ({"since": -1}, "subscribe.since")):
            answer = post(self.http_port, {"type": "SUBSCRIBE", "subscribe": how},
                          {"Content-Type": JSON, "Accept": JSON}, path="/api/v1")
            self.assertEqual(answer.status, 400, answer.text)
            self.assertIn(said, answer.text)


if __name__ == "__main__":
    unittest.main()
