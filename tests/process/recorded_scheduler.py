"""Plays a recorded scheduler against a real master: its calls in their order, each once what it
answers has come, with the names of this run in place of the recording's."""

from mesos_recordings import headers_that_matter
from v1_scheduler import Stream, StreamCase, post


def task_state(event):
    status = event["update"]["status"]
    return status["task_id"]["value"], status["state"], "uuid" in status, status.get("reason")


def without_repeats(events):
    """Without updates that came before: one that is not acknowledged is told again, some time."""
    seen, out = set(), []
    for event in events:
        body = event.get(event["type"].lower(), {})
        uuid = body.get("status", {}).get("uuid") if isinstance(body, dict) else None
        if uuid in seen:
            continue
        if uuid:
            seen.add(uuid)
        out.append(event)
    return out


class RecordedScheduler(StreamCase):
    def setUp(self):
        super().setUp()
        self.ids = {}  # of the recording -> here

    def here(self, text):
        for recorded in sorted(self.ids, key=len, reverse=True):
            text = text.replace(recorded, self.ids[recorded])
        return text

    def send(self, exchange, port=None):
        headers = {k: self.here(v) for k, v in exchange.headers.items() if k != "Content-Length"}
        return post(port or self.http_port, self.here(exchange.body), headers,
                    self.here(exchange.path), exchange.method)

    def same_answer(self, exchange, answer):
        self.assertEqual(answer.status, exchange.status, answer.text)
        self.assertEqual(headers_that_matter(answer.headers),
                         headers_that_matter(exchange.answer_headers))
        self.assertEqual(answer.text == "", exchange.answer == "", answer.text)

    def open(self, exchange):
        stream = Stream(self.http_port, self.here(exchange.body))
        self.streams.append(stream)
        self.assertEqual(stream.status, exchange.status)
        self.assertEqual(headers_that_matter(stream.headers),
                         headers_that_matter(exchange.answer_headers))
        self.ids[exchange.answer_headers["Mesos-Stream-Id"]] = stream.id
        return stream

    def resolve(self, body, recording, stream):
        """What the recording calls by its names, this run calls by others. The recording's log is
        not in order between stream and calls: what a call speaks of is waited for here."""
        for item in recording:
            if not isinstance(item, dict):
                continue
            if item["type"] == "OFFERS":
                offer = item["offers"]["offers"][0]
                if offer["id"]["value"] in body:
                    mine = stream.wait("OFFERS")["offers"]["offers"][0]
                    self.ids[offer["id"]["value"]] = mine["id"]["value"]
                    self.ids[offer["agent_id"]["value"]] = mine["agent_id"]["value"]
            if item["type"] == "UPDATE":
                uuid = item["update"]["status"].get("uuid")
                if uuid and uuid in body:
                    kind = task_state(item)
                    mine = stream.wait("UPDATE", lambda e, kind=kind: task_state(e) == kind)
                    self.ids[uuid] = mine["update"]["status"]["uuid"]

    def play(self, recording, stream=None):
        """Sends the calls in their order, each once what it answers has come."""
        for item in recording:
            if isinstance(item, dict):
                continue
            if item.status == 200:
                stream = self.open(item)
                subscribed = next(e for e in recording if isinstance(e, dict))
                self.ids[subscribed["subscribed"]["framework_id"]["value"]] = \
                    stream.wait("SUBSCRIBED")["subscribed"]["framework_id"]["value"]
            else:
                self.resolve(item.body, recording, stream)
                self.same_answer(item, self.send(item))
        return stream
