"""What every bad Redis has in common: the hub says it clearly, tries again within bounds, and works when it is well."""
import re
import uuid

from http_publisher import login_failed
from waiting import eventually, holds_for

WATCHED = 3.0          # seconds for which bad behaviour is watched
CONNECTS_A_SECOND = 20  # of all links of one hub together; an eager hub would make thousands
LINES = 80             # of the log in such a while: one for each attempt would be a flood
MEMORY = 64 * 1024 * 1024
SEEN = r"(?m)^\S+ +(?:warning|error) .*"  # a line that an operator sees


class Trouble:
    """A hub beside a bad Redis, with one stream that must outlive it all."""

    def __init__(self, hub, streams):
        self.hub, self.streams, self.user = hub, streams, str(uuid.uuid4())
        self.memory = hub.resident_bytes()
        self.lines = hub.log().count("\n")
        self.stream = streams.open(hub, self.user).wait(lambda s: s.status == 200, "the head of the stream")
        self.sent = 0
        self.acknowledged = []
        self.owed = []  # acknowledged after the stream had become live: it must have them, or be told of a gap

    def publish(self):
        """One event with an idempotency key; the answer."""
        self.sent += 1
        live = any(event.type == "tidings.caught_up" for event in list(self.stream.events))
        body = {**login_failed(f"t{self.sent}"), "user_id": self.user}
        answer = self.hub.publisher().send(body, key=f"t{self.sent}")
        if answer.status == 201:
            self.acknowledged.append(answer.id)
            if live:
                self.owed.append(answer.id)
        return answer

    def is_refused(self, statuses=(503, 507)):
        """Publishes are refused in the right words, sooner or later; never a success that is none."""
        def refusal():
            answer = self.publish()
            return answer if answer.status != 201 else None
        answer = eventually(refusal, "a publish is refused")
        assert answer.status in statuses, answer
        assert answer.problem() in ("store-unavailable", "outcome-unknown", "store-full"), answer
        assert answer.status == 507 or int(answer.fields["Retry-After"]) >= 1
        return answer

    def is_said(self, pattern, seconds=20):
        """A line of the log says it, at a level that an operator sees."""
        return self.hub.says(SEEN + f"(?:{pattern})", seconds)

    def is_patient(self, connects):
        """For a while: the stream stays, the log does not flood. `connects()`: the most connects in a second so far."""
        holds_for(lambda: self.stream.ended is None and self.hub.is_running(), "the stream ended", WATCHED)
        assert connects() <= CONNECTS_A_SECOND, f"{connects()} connects in a second"
        lines = self.hub.log().count("\n") - self.lines
        assert lines <= LINES, f"{lines} lines in the log:\n{self.hub.log()[-3000:]}"
        grown = self.hub.resident_bytes() - self.memory
        assert grown <= MEMORY, f"memory grew by {grown} bytes"
        assert self.hub.health("/readyz") == 200, "readiness speaks of this process alone"

    def is_over(self, seconds=40):
        """The Redis is well: publishes succeed, the stream has all that is owed to it, once and in order."""
        eventually(lambda: self.publish().status == 201,
                   lambda: f"no success; the log:\n{self.hub.log()[-4000:]}", seconds)
        self.stream.live(seconds=seconds)
        eventually(self.arrives, lambda: f"nothing arrives; the log:\n{self.hub.log()[-4000:]}", seconds)
        got = [e.id for e in self.stream.data_events]
        assert got == sorted(set(got)), got
        assert self.stream.gaps or set(self.owed) <= set(got), (self.owed, got)
        assert self.stream.ended is None

    def arrives(self):
        """Publishes once more; whether it arrives. A gap that is told meanwhile may cover it."""
        gaps = len(self.stream.gaps)
        if self.publish().status != 201:
            return False
        last = self.acknowledged[-1]
        self.stream.wait(lambda s: len(s.gaps) > gaps or last in [e.id for e in s.data_events], "the event")
        return last in [e.id for e in self.stream.data_events]

    def works(self):
        """Publishing, delivery and a resume, all at once; whether all of it goes well within a moment."""
        if self.publish().status != 201:
            return False
        again = self.streams.open(self.hub, self.user, **{"from": "earliest"})
        try:
            again.wait(lambda s: self.acknowledged[-1] in [e.id for e in s.data_events], "a resume", 2)
            self.stream.wait(lambda s: self.acknowledged[-1] in [e.id for e in s.data_events], "delivery", 2)
        except AssertionError:
            return False
        finally:
            again.close()
        return True

    def says_line(self, pattern):
        return re.search(SEEN + f"(?:{pattern})", self.hub.log(), re.I)


def connects_of(server):
    """The most connects in a second of a real server: those since now over the time watched, at least."""
    client = server.client()
    before = client.info("stats")["total_connections_received"]
    return lambda: (client.info("stats")["total_connections_received"] - before) / WATCHED
