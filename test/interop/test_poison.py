"""Poison: whatever lies in our channels and keys, streams go on, and it is counted (D5, D29, S9, S10, S16 to S18)."""
import json
import os
import random
import uuid

import pytest

from original_model import BROADCAST, OriginalEvent, user_channel, user_stream
from original_producer import OriginalPublisher, tick
from waiting import eventually, holds_for

AT = "2026-01-20T02:30:00+00:00"


def good(user, **changes):
    fields = {**OriginalEvent("security.login.failed", user, {"reason": "poison"}).to_dict(), **changes}
    return {name: value for name, value in fields.items() if value != "absent"}


def bent(**changes):
    return lambda user: json.dumps(good(user, **changes)).encode()


def spoiled(bytes_):
    return lambda user: json.dumps(good(user)).encode().replace(b"poison", bytes_)


def ours(**tidings):
    """Looks like a hub's own message, and is none."""
    return bent(tidings=tidings)


# None of these is an event: the hub must skip each, and count it.
POISON = {
    "an array": b"[]", "a number": b"5", "null": b"null", "a text": b'"text"', "true": b"true", "nothing": b"",
    "spaces": b"  \n", "no JSON": b"not JSON", "half": b'{"event_id": ', "two objects": b"{}{}",
    "an empty object": b"{}",
    "event_id null": bent(event_id=None), "event_id a number": bent(event_id=5), "event_id no UUID": bent(event_id="x"),
    "event_id empty": bent(event_id=""), "event_id missing": bent(event_id="absent"),
    "event_type null": bent(event_type=None), "event_type unknown": bent(event_type="x.y"),
    "event_type of ours": bent(event_type="tidings.gap"), "event_type a line": bent(event_type="a\ndata: x"),
    "event_type missing": bent(event_type="absent"), "event_type a list": bent(event_type=["security.login.failed"]),
    "user_id null": bent(user_id=None), "user_id a number": bent(user_id=5), "user_id missing": bent(user_id="absent"),
    "data missing": bent(data="absent"), "data NaN": bent(data=float("nan")), "data Infinity": bent(data=float("inf")),
    "data holds NaN": bent(data={"a": [1, float("nan")]}),
    "time null": bent(occurred_at=None), "time a number": bent(occurred_at=5), "time no time": bent(occurred_at="soon"),
    "time missing": bent(occurred_at="absent"), "time of no calendar": bent(occurred_at="2026-02-30T00:00:00"),
    "binary": bytes(range(256)), "invalid UTF-8": spoiled(b"\xff\xfe\xc0"),
    "raw control characters": spoiled(b"\x00\x01"),
    "a pile of brackets": b"[" * 200_000, "a pile of objects": b'{"a":' * 200_000,
    "deep data": lambda u: json.dumps(good(u, data="@")).encode().replace(b'"@"', b"[" * 5000 + b"]" * 5000),
    "ten megabytes of data": bent(data={"x": "y" * 10_000_000}), "ten megabytes of nothing": b" " * 10_000_000,
    "ten megabytes of members": lambda u: b"{" + b'"a": 1, ' * 1_200_000 + bent(data="absent")(u)[1:],
}
# These pretend to be a hub's. Whether they are skipped or taken for foreign ones is not said; they harm nobody.
PRETENDERS = {
    "a version to come": ours(v=2, prev="1-1-1"), "no version": ours(prev="1-1-1"), "nothing in it": ours(),
    "no object": bent(tidings=5), "prev is no position": ours(v=1, prev="x"), "prev a number": ours(v=1, prev=5),
    "prev beyond all": ours(v=1, prev=f"{2**64}-{2**64}-{2**64}"), "prev to come": ours(v=1, prev="1-99999999999999-0"),
    "an unknown term": ours(v=1, prev="60000-1-1", audience="broadcast", category="security"),
    "not kept, and at no place": ours(v=1, at="x", retained=False),
    "closes a user": ours(v=1, prev="1-1-1", closes=True),
    "another's audience": ours(v=1, prev="1-1-1", audience="user:" + "0" * 36, category="security"),
}


def text_of(poison, user):
    return poison(user) if callable(poison) else poison


def check_all_live(hub, client, opened, users, label):
    """Each stream still gets what is sent, of ours and of the original, and was told of no loss."""
    hub.publisher().broadcast(f"ours after {label}")
    for user in users:
        OriginalPublisher(client, retention=True).publish(
            OriginalEvent("security.login.failed", user, {"reason": f"theirs after {label}"}))
    for stream in opened:
        stream.receives_reason(f"ours after {label}")
        stream.receives_reason(f"theirs after {label}")
        assert stream.ended is None and not stream.gaps and "poison" not in stream.reasons()


@pytest.mark.parametrize("name", POISON)
def test_D5_S9_S10_D29_poison_is_skipped_and_counted_and_streams_go_on(redis_hub, client, streams, name):
    users = [uuid.uuid4(), uuid.uuid4()]
    opened = [streams.open(redis_hub, user).live() for user in (*users, users[0])]
    before = redis_hub.unreadable()
    client.publish(user_channel(users[0]), text_of(POISON[name], users[0]))
    client.publish(BROADCAST, text_of(POISON[name], users[0]))
    check_all_live(redis_hub, client, opened, users, name)
    eventually(lambda: redis_hub.unreadable() >= before + 2, f"the count of {name}; it was {before}")
    assert redis_hub.unreadable() == before + 2


@pytest.mark.parametrize("name", PRETENDERS)
def test_D5_what_pretends_to_be_a_hubs_harms_nobody(redis_hub, client, streams, name):
    users = [uuid.uuid4(), uuid.uuid4()]
    opened = [streams.open(redis_hub, user).live() for user in users]
    client.publish(user_channel(users[0]), text_of(PRETENDERS[name], users[0]))
    client.publish(BROADCAST, text_of(PRETENDERS[name], users[0]))
    redis_hub.publisher().broadcast("ours")
    for stream, user in zip(opened, users):
        redis_hub.publisher().user(user, "own")
        stream.receives_reason("ours")
        stream.receives_reason("own")
        assert stream.ended is None and not stream.gaps
        assert not any(e.id and e.json.get("reason") == "poison" for e in stream.data_events), "an id that is none"


def test_D5_all_poison_at_once_on_three_settings(start_hub, redis_server, client, streams):
    user = uuid.uuid4()
    hubs = [start_hub(redis_server.url(), store__foreign_producers=setting) for setting in ("none", "live", "retained")]
    opened = [streams.open(hub, user).live() for hub in hubs]
    for poison in (*POISON.values(), *PRETENDERS.values()):
        client.publish(user_channel(user), text_of(poison, user))
        client.publish(BROADCAST, text_of(poison, user))
    hubs[0].publisher().user(user, "after all")
    for stream in opened:
        stream.receives_reason("after all")
        assert stream.ended is None and not [g for g in stream.gaps if g["reason"] != "foreign"]


@pytest.mark.limit(180)
def test_D5_random_bytes_in_channels(redis_hub, client, streams, seed):
    """Flips, cuts and inserts in messages that are right, theirs and ours."""
    dice, user = random.Random(seed), uuid.uuid4()
    opened = [streams.open(redis_hub, user).live()]
    heard = client.pubsub()
    heard.subscribe(user_channel(user))
    redis_hub.publisher().user(user, "a real one of ours")
    real = eventually(lambda: next((m["data"] for m in [heard.get_message(timeout=0.1)]
                                    if m and m["type"] == "message"), None), "a message of ours")
    heard.close()
    seeds = [real, json.dumps(good(user)).encode()]
    pipeline = client.pipeline(transaction=False)
    for _ in range(20_000 if os.environ.get("TIDINGS_TEST_LONG") == "1" else 2000):
        bytes_ = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(bytes_))
            kind = dice.randrange(4)
            if kind == 0:
                bytes_[at] = dice.randrange(256)
            elif kind == 1:
                del bytes_[at:at + dice.randint(1, 20)]
            elif kind == 2:
                bytes_[at:at] = dice.randbytes(dice.randint(1, 8))
            else:
                bytes_[at:at] = dice.choice([b'"', b"{", b"}", b"[", b",", b":", b"\\", b"null", b"-1", b"1e999"])
            if not bytes_:
                break
        pipeline.publish(dice.choice([user_channel(user), BROADCAST]), bytes(bytes_))
    pipeline.execute()
    redis_hub.publisher().user(user, "after all")
    for stream in opened:
        stream.receives_reason("after all")
        assert stream.ended is None
    assert redis_hub.unreadable() > 100


# ---- what lies in the log

CORRUPTED = {
    "no event_id": {"event_type": "import.started", "data": "{}", "occurred_at": AT},
    "event_id no UUID": {"event_id": "x", "event_type": "import.started", "data": "{}", "occurred_at": AT},
    "no type": {"event_id": str(uuid.uuid4()), "data": "{}", "occurred_at": AT},
    "an unknown type": {"event_id": str(uuid.uuid4()), "event_type": "x", "data": "{}", "occurred_at": AT},
    "no data": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "occurred_at": AT},
    "data no JSON": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "{", "occurred_at": AT},
    "data NaN": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "NaN", "occurred_at": AT},
    "no time": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "{}"},
    "time no time": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "{}", "occurred_at": "x"},
    "one field of the documents": {"event": "{}"},
    "binary": {b"\xff\x00": b"\xfe" * 100, b"event_id": b"\x00" * 16},
    "ten megabytes": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "occurred_at": AT,
                      "data": '"' + "x" * 10_000_000 + '"'},
    "tidings that is none": {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "NaN",
                             "occurred_at": AT, "tidings": "{"},
}


@pytest.mark.parametrize("name", CORRUPTED)
def test_S16_a_corrupted_entry_is_skipped_and_what_stands_around_it_is_not(redis_hub, client, streams, name):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    tick(client)
    before = redis_hub.publisher().user(user, "before")
    stream.receives(1)
    client.xadd(user_stream(user), CORRUPTED[name])
    after = redis_hub.publisher().user(user, "after")
    assert [e.id for e in stream.receives(2)] == [before, after]
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id).live()
    assert [e.id for e in again.data_events] == [before, after] and not again.gaps
    assert redis_hub.unreadable() >= 1


def test_S16_the_marker_itself_need_not_parse(redis_hub, client, streams):
    user, marker = uuid.uuid4(), str(uuid.uuid4())
    client.xadd(user_stream(user), {"event_id": marker, "event_type": "x", "data": "{"})
    event = OriginalEvent("security.login.failed", user, {"reason": "follows"})
    OriginalPublisher(client, retention=True).publish(event)
    stream = streams.open(redis_hub, user, last_event_id=marker).live()
    assert [e.id for e in stream.data_events] == [str(event.event_id)] and not stream.gaps


def test_S18_of_repeated_fields_the_last_counts_and_unknown_ones_do_not(redis_hub, client, streams):
    user, id_ = uuid.uuid4(), str(uuid.uuid4())
    stream = streams.open(redis_hub, user).live()
    tick(client)
    client.execute_command("XADD", user_stream(user), "*", "event_id", "x", "event_id", id_, "event_type",
                           "security.login.failed", "more", "z", "data", '{"reason": "k"}', "occurred_at", AT)
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id).live()
    assert [(e.id, e.json) for e in again.data_events] == [(id_, {"reason": "k"})]


# ---- keys of a wrong type

@pytest.mark.parametrize("fill", [lambda c, k: c.set(k, "text"), lambda c, k: c.hset(k, "a", "b"),
                                  lambda c, k: c.rpush(k, "a")], ids=["string", "hash", "list"])
def test_S17_a_key_of_a_wrong_type_in_one_users_place_hurts_that_user_alone(redis_hub, client, streams, fill):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    bobs = streams.open(redis_hub, bob).live()
    fill(client, user_stream(ann))
    anns = streams.open(redis_hub, ann)
    body = {"type": "security.login.failed", "user_id": str(ann), "data": {"reason": "x"}}
    refused = redis_hub.publisher().send(body)
    assert refused.status >= 500, "a success that is none"
    redis_hub.publisher().user(bob, "bob's")
    bobs.receives_reason("bob's")
    redis_hub.says(f"sse:stream:user:{ann}")
    client.delete(user_stream(ann))
    anns.live()
    redis_hub.publisher().user(ann, "ann's")
    anns.receives_reason("ann's")
    assert anns.ended is None and bobs.ended is None and not bobs.gaps


def test_a_batch_for_many_users_fails_only_where_the_key_is_wrong(redis_hub, client, streams):
    users = [uuid.uuid4() for _ in range(10)]
    client.set(user_stream(users[4]), "text")
    items = [{"type": "security.login.failed", "user_id": str(u), "data": {"reason": "x"}} for u in users]
    answer = redis_hub.publisher().send(items)
    assert answer.status == 200
    assert [item["status"] == 201 for item in answer.json] == [n != 4 for n in range(10)]
    assert all(client.xlen(user_stream(u)) == 1 for n, u in enumerate(users) if n != 4)


@pytest.mark.parametrize("when", ["at the start", "in the middle"])
def test_a_partition_key_of_a_wrong_type_is_named_and_streams_stay(start_hub, redis_server, client, streams, when):
    if when == "at the start":
        client.set("sse:tidings:partition", "text")
    hub = start_hub(redis_server.url(), store__foreign_producers="none", store__publish_wait="1s")
    user = uuid.uuid4()
    stream = streams.open(hub, user).wait(lambda s: s.status == 200, "the head")
    if when == "in the middle":
        stream.live()
        client.delete("sse:tidings:partition")
        client.set("sse:tidings:partition", "text")
    body = {"type": "security.login.failed", "user_id": str(user), "data": {"reason": "x"}}
    eventually(lambda: hub.publisher().send(body).status >= 500, "a refusal")
    hub.says("sse:tidings:partition")
    holds_for(lambda: stream.ended is None, "the stream ended", 0.5)
    client.delete("sse:tidings:partition")
    eventually(lambda: hub.publisher().send({**body, "data": {"reason": "well again"}}).status == 201, "a success")
    stream.live(2 if when == "in the middle" else 1)
    hub.publisher().user(user, "well")  # a gap covers what came before the stream was live again
    stream.receives_reason("well")
