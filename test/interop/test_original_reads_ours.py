"""The original's consumer beside a hub: it understands all that we publish and keep (P-9, S2 to S6, S13 to S18)."""
import uuid

import pytest

from http_publisher import import_started, login_failed
from original_consumer import OriginalSubscriber
from original_model import CATEGORY_OF, OriginalEvent, user_stream
from original_producer import OriginalPublisher

SAMPLES = {"uuid": str(uuid.uuid4()), "string": "täxt", "integer": 10**30, "number": 1.5, "boolean": True,
           "decimal": "-1000.00", "datetime": "2026-01-20T02:30:00+00:00", "object": {"a": [1]}, "array": [1, None]}


def sample(kind):
    return None if kind.endswith("?") else SAMPLES[kind]


def ids(events):
    return [str(event.event_id) for event in events]


def test_S2_all_29_types_arrive_live_and_retained(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    types = [t for t in publisher.request("GET", "/event-types").json["event_types"] if t["type"] in CATEGORY_OF]
    assert len(types) == 29
    sent = []
    for each in types:
        data = {name: sample(kind) for name, kind in each["data"].items()}
        answer = publisher.send({"type": each["type"], "user_id": str(user), "data": data})
        assert answer.status == 201, (each, answer)
        sent.append((answer.json["ids"][0], each["type"], data, each["retain"]))
    heard = live.take(29)
    assert [(e.event_type, e.data, e.user_id) for e in heard] == [(t, d, user) for _, t, d, _ in sent]
    assert [str(e.event_id) for e, s in zip(heard, sent) if s[3]] == [s[0] for s in sent if s[3]]
    kept = [s for s in sent if s[3]]
    missed = OriginalSubscriber(client).get_missed_events(user, kept[0][0])
    assert [(str(e.event_id), e.event_type, e.data, e.user_id) for e in missed] == [
        (id_, t, d, user) for id_, t, d, _ in kept[1:]]
    assert not live.warnings


def test_V6_S2_a_message_of_ours_is_equal_live_and_replayed(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    first = publisher.user(user, "a")
    publisher.user(user, "b")
    heard = live.take(2)
    assert OriginalSubscriber(client).get_missed_events(user, first) == heard[1:]
    assert heard[0].occurred_at.tzinfo is not None


def test_S3_S4_broadcasts_of_ours_reach_all_and_events_their_user_alone(redis_hub, client):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    lives = [OriginalSubscriber(client).subscribe(user) for user in (ann, ann, bob)]
    publisher = redis_hub.publisher()
    own = [publisher.user(ann, "a"), publisher.user(bob, "b")]
    all_ = publisher.broadcast("c")
    assert ids(lives[0].take(2)) == ids(lives[1].take(2)) == [own[0], all_]
    assert ids(lives[2].take(2)) == [own[1], all_]
    assert {e.user_id for e in lives[2].events} == {bob, uuid.UUID(int=0)}


def test_S6_the_originals_filter_fits_ours(redis_hub, client):
    user = uuid.uuid4()
    some = OriginalSubscriber(client).subscribe(user, ["import"])
    none = OriginalSubscriber(client).subscribe(user, [])
    publisher = redis_hub.publisher()
    first = publisher.user(user, "x")
    wanted = publisher.send({**import_started("f"), "user_id": str(user)}).id
    everybody = publisher.send({**import_started("g"), "broadcast": True}).id
    assert ids(some.take(2)) == [wanted, everybody]
    assert not none.drain()
    assert ids(OriginalSubscriber(client).get_missed_events(user, first, ["import"])) == [wanted]


@pytest.mark.parametrize("decoded", [True, False])
def test_S14_S18_a_mixed_log_replays_from_anybodys_id(redis_hub, redis_server, client, decoded):
    user = uuid.uuid4()
    theirs = OriginalPublisher(client, retention=True)
    publisher = redis_hub.publisher()
    sent = []
    for n in range(6):
        if n % 2:
            event = OriginalEvent("security.login.failed", user, {"reason": f"r{n}"})
            theirs.publish(event)
            sent.append(str(event.event_id))
        else:
            sent.append(publisher.user(user, f"r{n}"))
    assert not theirs.warnings
    reader = OriginalSubscriber(redis_server.client(decode_responses=decoded))
    for n, id_ in enumerate(sent):
        assert ids(reader.get_missed_events(user, id_)) == sent[n + 1:]
    assert not reader.warnings


def test_S9_D31_a_type_of_our_own_is_skipped_and_harms_nobody(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    first = publisher.user(user, "a")
    body = {"type": "system.maintenance", "data": {"note": "n"}}
    assert publisher.send({**body, "user_id": str(user)}).status == 201
    assert publisher.send({**body, "broadcast": True}).status == 201
    last = publisher.user(user, "b")
    assert ids(live.take(2)) == [first, last] and len(live.warnings) == 2
    assert ids(OriginalSubscriber(client).get_missed_events(user, first)) == [last]


def test_topics_and_markers_are_never_heard_by_the_original(redis_hub, client, streams):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    assert publisher.send({**login_failed("x"), "topic": "t"}).status == 201
    assert publisher.request("POST", "/topics/t/close").status == 200
    streams.open(redis_hub, user).live()
    last = publisher.user(user, "y")
    live.take(1)
    assert ids(live.drain()) == [last] and len(live.raw) == 1


def test_the_originals_expiry_and_trimming_go_on_beside_ours(redis_hub, client):
    user = uuid.uuid4()
    theirs = OriginalPublisher(client, retention=True, ttl=60)
    theirs.publish(OriginalEvent("security.login.failed", user, {"reason": "a"}))
    assert client.ttl(user_stream(user)) <= 60
    id_ = redis_hub.publisher().user(user, "b")
    assert client.ttl(user_stream(user)) > 3000, "an append of ours renews the log's life"
    theirs.publish(OriginalEvent("security.login.failed", user, {"reason": "c"}))
    assert client.ttl(user_stream(user)) > 3000
    assert len(OriginalSubscriber(client).get_missed_events(user, id_)) == 1


def test_P7_entries_of_ours_rise_above_those_of_the_original_in_the_same_millisecond(redis_hub, client):
    """XADD * of the original may take any id; ours must lie above it, whatever its clock says (2.4)."""
    user = uuid.uuid4()
    ahead = int(client.time()[0]) * 1000 + 20_000
    client.xadd(user_stream(user), {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "{}",
                                    "occurred_at": "2026-01-20T02:30:00+00:00"}, id=f"{ahead}-5")
    ours = redis_hub.publisher().user(user, "x")
    theirs = OriginalPublisher(client, retention=True)
    theirs.publish(OriginalEvent("security.login.failed", user, {"reason": "y"}))
    assert not theirs.warnings
    kept = [fields[b"event_id"].decode() for _, fields in client.xrange(user_stream(user))]
    assert len(kept) == 3 and kept[1] == ours
