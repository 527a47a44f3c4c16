"""A hub beside the original's producers: each tolerance of contract 2.3, the three settings of foreign_producers."""
import json
import uuid

import pytest

import original_ids
from original_model import BROADCAST, OriginalEvent, user_channel, user_stream
from original_producer import JobsPublisher, OriginalPublisher, SteadyPublisher, tick
from waiting import eventually, holds_for

AT = "2026-01-20T02:30:00+00:00"


def login_failed(user, reason, **more):
    return OriginalEvent("security.login.failed", user, {"reason": reason}, **more)


def message(user, reason="k", **changes):
    """A message of the original as a dictionary, to be bent."""
    return {**login_failed(user, reason).to_dict(), **changes}


def send(client, user, fields):
    text = fields if isinstance(fields, (str, bytes)) else json.dumps(fields)
    assert client.publish(user_channel(user), text) >= 1, "the hub does not listen"


# ---- the settings

def test_P9_none_foreign_messages_are_not_delivered(start_hub, redis_server, client, streams):
    hub = start_hub(redis_server.url(), store__foreign_producers="none")
    user = uuid.uuid4()
    stream = streams.open(hub, user).live()
    theirs = OriginalPublisher(client, retention=True)
    theirs.publish(login_failed(user, "foreign"))
    theirs.broadcast(login_failed(user, "foreign"))
    JobsPublisher(client).publish_to_user(user, "security.login.failed", {"reason": "foreign"})
    ours = hub.publisher().user(user, "ours")
    assert [(e.id, e.json["reason"]) for e in stream.receives(1)] == [(ours, "ours")]
    assert not stream.gaps and stream.ended is None


def test_P9_live_foreign_messages_are_delivered_at_once_without_id(start_hub, redis_server, client, streams):
    hub = start_hub(redis_server.url(), store__foreign_producers="live")
    user = uuid.uuid4()
    stream = streams.open(hub, user).live()
    theirs = OriginalPublisher(client)
    for n in range(5):
        theirs.publish(login_failed(user, f"r{n}"))
    theirs.broadcast(login_failed(user, "everybody"))
    got = stream.receives(6)
    assert [(e.id, e.json["reason"]) for e in got] == [(None, r) for r in ("r0", "r1", "r2", "r3", "r4", "everybody")]
    assert got[0].type == "security.login.failed"


def test_P9_retained_foreign_events_keep_their_producers_id(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    theirs = SteadyPublisher(client)
    sent = []
    for n in range(5):
        sent.append(login_failed(user, f"r{n}"))
        theirs.publish(sent[-1])
        stream.receives(n + 1)
    assert [(e.id, e.json["reason"]) for e in stream.receives(5)] == [
        (str(event.event_id), event.data["reason"]) for event in sent]
    holds_for(lambda: len(stream.data_events) == 5, "an event came twice", 0.5)


def test_P9_retained_bursts_arrive_in_log_order_once_with_an_id(redis_hub, client, streams):
    """Several in flight at once: each at least once, with its own id or none, and never twice with it."""
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    theirs = OriginalPublisher(client, retention=True)
    sent = [login_failed(user, f"r{n}") for n in range(200)]
    for event in sent:
        theirs.publish(event)
    stream.wait(lambda s: {e.data["reason"] for e in sent} <= set(s.reasons()), "all 200")
    named = [e.id for e in stream.data_events if e.id is not None]
    order = [str(e.event_id) for e in sent if str(e.event_id) in set(named)]
    assert named == order, "each at most once with its id, in the order of the log"


def test_P9_retained_but_not_in_the_log_is_sent_without_id(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    JobsPublisher(client).publish_to_user(user, "security.login.failed", {"reason": "jobs"})
    OriginalPublisher(client).publish(login_failed(user, "retention is off"))
    assert sorted((e.id, e.json["reason"]) for e in stream.receives(2)) == [
        (None, "jobs"), (None, "retention is off")]


def test_D9_S3_foreign_broadcasts_reach_all_at_once_without_id(redis_hub, client, streams):
    opened = [streams.open(redis_hub, uuid.uuid4()).live() for _ in range(3)]
    OriginalPublisher(client, retention=True).broadcast(login_failed(uuid.uuid4(), "a"))
    JobsPublisher(client).broadcast("security.login.failed", {"reason": "b"})
    for stream in opened:
        assert [(e.id, e.json["reason"]) for e in stream.receives(2)] == [(None, "a"), (None, "b")]


def test_D3_a_slow_original_that_retains_late_is_heard_all_the_same(redis_hub, client, streams):
    """XADD comes long after PUBLISH: sent live without an id, and found in the log by who comes back."""
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    event = login_failed(user, "late")
    OriginalPublisher(client, retention=True).publish_to_user(
        user, event, between=lambda: stream.receives_reason("late"))
    assert stream.data_events[0].id is None
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id).live()
    assert "late" in again.reasons()


# ---- who gets what

def test_S2_S4_S5_each_stream_of_the_channels_user_and_nobody_else(redis_hub, client, streams):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    anns = [streams.open(redis_hub, ann).live() for _ in range(2)]
    bobs = streams.open(redis_hub, bob).live()
    OriginalPublisher(client, retention=True).publish(login_failed(ann, "ann's"))
    OriginalPublisher(client, retention=True).publish(login_failed(bob, "bob's"))
    for stream in anns:
        assert stream.receives(1)[0].json["reason"] == "ann's"
    assert bobs.receives(1)[0].json["reason"] == "bob's"
    holds_for(lambda: all(len(s.data_events) == 1 for s in (*anns, bobs)), "an event of another user", 0.3)


def test_P3_the_channel_decides_not_the_events_own_user(redis_hub, client, streams):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    anns, bobs = streams.open(redis_hub, ann).live(), streams.open(redis_hub, bob).live()
    event = login_failed(ann, "for bob")
    OriginalPublisher(client, retention=True).publish_to_user(bob, event)
    assert bobs.receives(1)[0].json["reason"] == "for bob"
    holds_for(lambda: not anns.data_events, "ann got what was bob's", 0.3)
    again = streams.open(redis_hub, bob, last_event_id=bobs.events[0].id).live()
    assert again.reasons() == ["for bob"]


def test_S6_categories_filter_foreign_events_live_and_replayed(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user, categories="import").live()
    theirs = OriginalPublisher(client, retention=True)
    theirs.publish(login_failed(user, "no"))
    wanted = OriginalEvent("import.started", user, {"file_name": "f", "file_format": "x"})
    theirs.publish(wanted)
    theirs.broadcast(login_failed(user, "no"))
    theirs.broadcast(wanted)
    assert {e.type for e in stream.receives(2)} == {"import.started"}
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id, categories="import").live()
    assert [e.json for e in again.data_events] == [wanted.data]


def test_D1_messages_to_none_harm_nobody(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    theirs = OriginalPublisher(client, retention=True)
    for _ in range(20):
        theirs.publish(login_failed(None, "nobody's"))
    theirs.broadcast(login_failed(None, "a broadcast without a user"))
    theirs.publish(login_failed(user, "mine"))
    stream.receives_reason("mine")
    assert "nobody's" not in stream.reasons() and stream.ended is None and not stream.gaps


def test_P11_jobs_messages_of_both_kinds_are_read(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    jobs = JobsPublisher(client)
    token = {"connection_id": str(uuid.uuid4()), "provider_slug": "s", "expires_at": AT}
    session = {"session_id": str(uuid.uuid4()), "expires_in_seconds": 0}
    jobs.publish_to_user(user, "provider.token.expiring", token)
    jobs.broadcast("security.session.expiring", session)
    jobs.broadcast("security.session.expiring", session, system_user_id=uuid.uuid4())
    got = stream.receives(3)
    assert sorted((e.type, e.id) for e in got) == [("provider.token.expiring", None)] + [
        ("security.session.expiring", None)] * 2
    assert [e.json for e in got if e.type.startswith("provider")] == [token]


def test_D31_an_unknown_type_is_counted_and_a_declared_one_delivered(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    before = redis_hub.unreadable()
    jobs = JobsPublisher(client)
    jobs.publish_to_user(user, "nobody.declared", {})
    jobs.publish_to_user(user, "system.maintenance", {"note": "n"})
    assert stream.receives(1)[0].type == "system.maintenance"
    eventually(lambda: redis_hub.unreadable() == before + 1, "the count of the unknown type")


# ---- what the original accepts

def spelled(user):
    return {"upper": str(user).upper(), "no hyphens": user.hex, "braces": f"{{{user}}}", "urn": f"urn:uuid:{user}",
            "mixed": str(user)[:18].upper() + user.hex[16:]}


@pytest.mark.parametrize("spelling", ["upper", "no hyphens", "braces", "urn", "mixed"])
def test_P9_ids_and_users_in_any_spelling_become_canonical(redis_hub, client, streams, spelling):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    event = login_failed(user, "spelled")
    fields = event.to_dict()
    fields["event_id"] = spelled(event.event_id)[spelling]
    fields["user_id"] = spelled(user)[spelling]
    tick(client)
    client.xadd(user_stream(user), {"event_id": fields["event_id"], "event_type": fields["event_type"],
                                    "data": '{"reason": "spelled"}', "occurred_at": AT})
    send(client, user, fields)
    assert stream.receives_reason("spelled").id in (None, str(event.event_id))
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id).live()
    assert str(event.event_id) in [e.id for e in again.data_events]


@pytest.mark.parametrize("layout", ["draft", "rfc"])
def test_P9_both_layouts_of_version_7_and_any_other_uuid_are_ids(redis_hub, client, streams, layout):
    make = {"draft": original_ids.draft_uuid7, "rfc": original_ids.rfc_uuid7}[layout]
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    sent = [login_failed(user, f"r{n}", event_id=make()) for n in range(3)]
    for n, event in enumerate(sent):
        SteadyPublisher(client).publish(event)
        stream.receives(n + 1)
    assert [e.id for e in stream.receives(3)] == [str(e.event_id) for e in sent]
    ours = redis_hub.publisher().user(user, "ours")
    assert stream.receives(4)[-1].id == ours and not stream.gaps


@pytest.mark.parametrize("at", [
    "2026-01-20T02:30:00Z", "2026-01-20T02:30:00", "2026-01-20 02:30:00.5", "2026-01-20T02:30:00.123456+05:30",
    "2026-01-20", "20260120T023000Z", "2026-W04-2T02:30", "2026-01-20T02:30:00,25-0800", "2026-01-20T02"])
def test_P9_times_in_any_iso_8601_form_are_read(redis_hub, client, streams, at):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    send(client, user, message(user, "timed", occurred_at=at))
    stream.receives_reason("timed")


def escaped(user):
    text = json.dumps(message(user, "k"))
    return text.replace('"reason"', '"\\u0072eason"').replace("event_type", "event\\u005ftype")


def unescaped(user):
    return json.dumps(message(user, data={"reason": "k", "x": "é😀"}), ensure_ascii=False)


VARIANTS = {
    "unknown fields": lambda u: {**message(u), "retry": 5, "nested": {"event_id": None, "a": [[]]}},
    "another order": lambda u: dict(reversed(message(u).items())),
    "duplicate keys, the last wins": lambda u: '{"event_id": null, "event_type": "x", "data": 5, ' + json.dumps(
        message(u))[1:],
    "no spaces": lambda u: json.dumps(message(u), separators=(",", ":")),
    "spaces and lines": lambda u: "\r\n\t " + json.dumps(message(u), indent=3) + "\n ",
    "escaped names": escaped,
    "UTF-8 unescaped": lambda u: unescaped(u).encode(),
    "UTF-8 with a byte order mark": lambda u: json.dumps(message(u)).encode("utf-8-sig"),
    "UTF-16": lambda u: unescaped(u).encode("utf-16"),
    "UTF-16 big endian": lambda u: json.dumps(message(u)).encode("utf-16-be"),
    "UTF-32": lambda u: json.dumps(message(u)).encode("utf-32"),
    "data nested as deep as we take": lambda u: message(u, data={"reason": "k", "x": json.loads("[" * 60 + "]" * 60)}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_P9_messages_in_any_form_that_the_original_reads(redis_hub, client, streams, variant):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    send(client, user, VARIANTS[variant](user))
    assert stream.receives_reason("k").type == "security.login.failed"


@pytest.mark.parametrize("data", [
    {"reason": "é 😀 \u2028 \x7f \x00"}, {"n": 123456789012345678901234567890, "m": -(2**63) - 1, "f": 1e-300},
    {"balance": 0.1, "big": 1.7976931348623157e308}, {}, {"a": None, "b": [True, [], {}]}], ids=repr)
def test_V6_data_arrives_equal(redis_hub, client, streams, data):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    event = OriginalEvent("security.login.failed", user, data)
    SteadyPublisher(client).publish(event)
    assert stream.receives(1)[0].json == data
    again = streams.open(redis_hub, user, last_event_id=stream.events[0].id).live()
    assert [(e.id, e.json) for e in again.data_events] == [(str(event.event_id), data)]


@pytest.mark.parametrize("data", [[1, 2], "text", 5, None, True], ids=repr)
def test_D29_data_of_another_type_than_object_passes_through(redis_hub, client, streams, data):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    send(client, user, message(user, data=data))
    assert stream.receives(1)[0].json == data


def test_P9_the_broadcast_is_exactly_that_name(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    for name in ("sse:broadcast:x", "sse:Broadcast", "xsse:broadcast", "sse:user:", "sse:stream:broadcast"):
        client.publish(name, json.dumps(message(user, "no")))
    client.publish(BROADCAST, json.dumps(message(user, "yes")))
    stream.receives_reason("yes")
    assert stream.reasons() == ["yes"]
