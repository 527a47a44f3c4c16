"""Publishers of every kind and clients that roam between hubs, each a thread with dice of its own."""
import random
import threading
import uuid

from http_publisher import import_started, login_failed
from ledger import EVERYBODY, Got, Journey, Told
from original_ids import draft_uuid7, rfc_uuid7
from original_model import OriginalEvent
from original_producer import JobsPublisher, OriginalPublisher


def body_of(tag, dice):
    return login_failed(tag) if dice.random() < 0.6 else import_started(tag)


def tag_of(data):
    return data.get("reason") or data.get("file_name")


def category_of(type_):
    return type_.split(".")[0]


class Actor(threading.Thread):
    """Keeps what went wrong for the test's own thread to raise."""

    def __init__(self, name, seed):
        super().__init__(name=name, daemon=True)
        self.dice = random.Random(f"{seed} {name}")
        self.error = None

    def run(self):
        try:
            self.act()
        except BaseException as error:
            self.error = error

    def pause(self, most):
        threading.Event().wait(self.dice.random() * most)


class OurPublisher(Actor):
    """Single events, lists, several users at once, broadcasts; now and then the same key on two hubs."""

    def __init__(self, name, seed, hubs, users, ledger, count):
        super().__init__(name, seed)
        self.hubs, self.users, self.ledger, self.count = hubs, users, ledger, count
        self.sent = 0

    def act(self):
        publishers = [hub.publisher() for hub in self.hubs]
        while self.sent < self.count:
            items = [self.item() for _ in range(self.dice.choice([1, 1, 1, 1, 1, 1, 3, 20]))]
            publisher = self.dice.choice(publishers)
            if len(items) == 1:
                key = str(uuid.uuid4()) if self.dice.random() < 0.2 else None
                answer = publisher.send(items[0], key)
                assert answer.status == 201, answer
                if key:
                    again = self.dice.choice(publishers).send(items[0], key)
                    assert again.text == answer.text, (answer, again)
                self.tell(items[0], answer.json)
            else:
                answer = publisher.send(items)
                assert answer.status == 200, answer
                for item, each in zip(items, answer.json, strict=True):
                    assert each["status"] == 201, each
                    self.tell(item, each)
            self.pause(0.008)

    def item(self):
        self.sent += 1
        body = body_of(f"{self.name}-{self.sent}", self.dice)
        chance = self.dice.random()
        if chance < 0.05:
            return {**body, "broadcast": True}
        if chance < 0.15:
            return {**body, "user_ids": self.dice.sample(self.users, min(3, len(self.users)))}
        return {**body, "user_id": self.dice.choice(self.users)}

    def tell(self, item, answer):
        audiences = [EVERYBODY] if "broadcast" in item else item.get("user_ids") or [item["user_id"]]
        for audience, id_ in zip(audiences, answer["ids"], strict=True):
            self.ledger.add(Told(id_, tag_of(item["data"]), audience, category_of(item["type"]), True, True))


class TheirPublisher(Actor):
    """The original's publisher; sometimes it is slow between PUBLISH and XADD."""

    def __init__(self, name, seed, client, users, ledger, count, retention):
        super().__init__(name, seed)
        self.publisher = OriginalPublisher(client, retention=retention)
        self.users, self.ledger, self.count = users, ledger, count

    def act(self):
        for n in range(self.count):
            body = body_of(f"{self.name}-{n}", self.dice)
            user = self.dice.choice(self.users)
            id_ = self.dice.choice([draft_uuid7, rfc_uuid7])()
            event = OriginalEvent(body["type"], uuid.UUID(user), body["data"], event_id=id_)
            everybody = self.dice.random() < 0.05
            told = Told(str(id_), tag_of(body["data"]), EVERYBODY if everybody else user, category_of(body["type"]),
                        False, self.publisher.retention and not everybody)
            self.ledger.add(told)
            if everybody:
                self.publisher.broadcast(event)
            elif self.dice.random() < 0.03:
                self.publisher.publish_to_user(user, event, between=lambda: self.pause(0.1))
            else:
                self.publisher.publish(event)
            assert not self.publisher.warnings, self.publisher.warnings
            self.pause(0.004)


class JobsActor(Actor):
    """The second producer, and now and then a message to "None" (D1)."""

    def __init__(self, name, seed, client, users, ledger, count):
        super().__init__(name, seed)
        self.jobs, self.users, self.ledger, self.count = JobsPublisher(client), users, ledger, count

    def act(self):
        nobody = OriginalPublisher(self.jobs.client, retention=True)
        for n in range(self.count):
            body = body_of(f"{self.name}-{n}", self.dice)
            everybody = self.dice.random() < 0.1
            user = self.dice.choice(self.users)
            self.ledger.add(Told("", tag_of(body["data"]), EVERYBODY if everybody else user,
                                 category_of(body["type"]), False, False))
            if everybody:
                self.jobs.broadcast(body["type"], body["data"])
            else:
                self.jobs.publish_to_user(user, body["type"], body["data"])
            if self.dice.random() < 0.05:
                nobody.publish(OriginalEvent("security.login.failed", None, {"reason": "nobody's"}))
            assert not self.jobs.warnings
            self.pause(0.006)


class Roamer(Actor):
    """A client that is cut at random, at any byte, and comes back to any hub with the last id that it has."""

    def __init__(self, name, seed, hubs, streams, user, categories):
        super().__init__(name, seed)
        self.hubs, self.streams, self.categories = hubs, streams, categories
        self.journey = Journey(user, categories)
        self.last_id = None
        self.started = threading.Event()  # it holds an id to come back with: from here on nothing may be lost
        self.over = threading.Event()
        self.stream = None

    def act(self):
        while not self.over.is_set():
            cut = self.dice.randint(300, 20_000) if self.started.is_set() and self.dice.random() < 0.5 else None
            self.open(cut)
            if not self.started.is_set():
                self.stream.live()
                self.started.set()
            until = self.dice.random() * self.dice.choice([0.02, 0.3, 1.0])
            self.over.wait(until)
            self.leave()
        self.open(None)  # the last leg, in which all that is missing must come

    def open(self, cut):
        query = {"categories": ",".join(self.categories)} if self.categories else {}
        self.stream = self.streams.open(self.dice.choice(self.hubs), self.journey.user, last_event_id=self.last_id,
                                        cut_after=cut, **query)

    def leave(self):
        if self.dice.random() < 0.5:
            self.stream.close()
        else:
            self.stream.reset()
        self.finish()

    def finish(self):
        """Notes the leg that is over. A leg that ended by itself other than by this client's cut is noted as a gap."""
        stream = self.stream
        if stream.ended not in (None, "cut"):
            self.journey.gaps.append(f"the hub ended the stream ({stream.ended}, status {stream.status})")
        self.journey.gaps += stream.gaps
        self.journey.legs.append(legs_of(stream))
        self.last_id = stream.last_id or self.last_id


def legs_of(stream):
    return [Got(e.id, tag_of(e.json), category_of(e.type)) for e in stream.data_events]
