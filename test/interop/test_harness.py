"""The tools of these tests, tried on what is certain: the original against itself, and clients against a plain hub."""
import json
import os
import uuid

import pytest
import redis

import fake_redis
import hub as hub_module
import original_ids
import tokens
from original_consumer import OriginalSubscriber, StreamDied
from original_model import BROADCAST, OriginalEvent, user_channel, user_of_channel, user_stream
from original_producer import JobsPublisher, OriginalPublisher
from redis_server import entries
from sse_decoder import HttpDecoder, SseDecoder, Violation
from waiting import eventually


def next_message(listener):
    message = listener.get_message(timeout=0.1)
    return message if message and message["type"] == "message" else None


def event(user, **more):
    return OriginalEvent("security.login.failed", user, {"reason": "x"}, **more)


# ---- ids

def test_the_drafts_ids_have_its_layout():
    at = 0x6B023129 * 10**9 + 10**9 // 2
    made = original_ids.draft_uuid7(at, sequence=5)
    assert str(made).startswith("06b02312-9800-7000-8005-")
    assert made.version == 7 and made.variant == uuid.RFC_4122
    assert str(original_ids.draft_uuid7(at + 1000)) > str(made)


def test_rfc_ids_have_its_layout():
    made = original_ids.rfc_uuid7(0x0190C0DE1234)
    assert str(made).startswith("0190c0de-1234-7") and made.version == 7 and made.variant == uuid.RFC_4122
    assert original_ids.milliseconds_of(made) == 0x0190C0DE1234
    assert str(original_ids.draft_uuid7()) > str(original_ids.rfc_uuid7())  # each sorts within its kind only


# ---- the original with itself

def test_V6_the_originals_message_is_byte_exact(client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    sent = event(user)
    OriginalPublisher(client).publish(sent)
    live.take(1)
    said = (f'{{"event_id": "{sent.event_id}", "event_type": "security.login.failed", "user_id": "{user}", '
            f'"data": {{"reason": "x"}}, "occurred_at": "{sent.occurred_at.isoformat()}"}}')
    assert live.raw == [(f"sse:user:{user}".encode(), said.encode())]


def test_V6_the_originals_entry_is_byte_exact(client):
    sent = OriginalEvent("import.started", uuid.uuid4(), {"file_name": "\u00e4", "n": None})
    OriginalPublisher(client, retention=True).publish(sent)
    assert [fields for _, fields in entries(client, user_stream(sent.user_id))] == [[
        ("event_id", str(sent.event_id)), ("event_type", "import.started"),
        ("data", '{"file_name": "\\u00e4", "n": null}'), ("occurred_at", sent.occurred_at.isoformat())]]


def test_S2_S3_S4_S5_the_originals_live_path(client):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    subscriber = OriginalSubscriber(client)
    lives = [subscriber.subscribe(ann), subscriber.subscribe(ann), subscriber.subscribe(bob)]
    publisher = OriginalPublisher(client)
    sent = [event(ann), event(ann), event(bob)]
    for each in sent:
        publisher.publish(each)
    everybody = event(ann)
    publisher.broadcast(everybody)
    assert lives[0].take(3) == lives[1].take(3) == [sent[0], sent[1], everybody]
    assert lives[2].take(2) == [sent[2], everybody]


@pytest.mark.parametrize("decoded", [True, False])
def test_S13_S14_S15_S18_the_originals_replay(redis_server, decoded):
    client = redis_server.client(decode_responses=decoded)
    user = uuid.uuid4()
    publisher = OriginalPublisher(client, retention=True)
    sent = [event(user), OriginalEvent("import.started", user, {"file_name": "ä"}), event(user)]
    for each in sent:
        publisher.publish(each)
    assert not publisher.warnings
    subscriber = OriginalSubscriber(client)
    assert subscriber.get_missed_events(user, sent[0].event_id) == sent[1:]
    assert subscriber.get_missed_events(user, sent[0].event_id, ["security"]) == sent[2:]
    assert subscriber.get_missed_events(user, uuid.uuid4()) == []
    assert OriginalSubscriber(client, retention=False).get_missed_events(user, sent[0].event_id) == []


def test_S7_the_originals_words_for_a_category():
    with pytest.raises(ValueError) as raised:
        OriginalSubscriber(None).subscribe(uuid.uuid4(), ["xyz"])
    assert str(raised.value) == ("Invalid category 'xyz'. Valid categories: "
                                 "['data_sync', 'provider', 'ai', 'import', 'portfolio', 'security']")


def test_P9_D7_trimming_is_approximate_and_the_expiry_fixed(client):
    user = uuid.uuid4()
    key = user_stream(user)
    publisher = OriginalPublisher(client, retention=True)
    publisher.publish(event(user))
    assert 0 < client.ttl(key) <= 3600
    client.expire(key, 600)
    for _ in range(1299):
        publisher.publish(event(user))
    assert 1000 <= client.xlen(key) <= 1100
    assert client.ttl(key) <= 600, "the original never renews it"


def test_D1_the_original_publishes_to_none(client):
    listener = client.pubsub()
    listener.subscribe("sse:user:None")
    OriginalPublisher(client, retention=True).publish(event(None))
    message = eventually(lambda: next_message(listener), "the message to None")
    assert json.loads(message["data"])["user_id"] == "None"
    assert client.xlen("sse:stream:user:None") == 1


def test_D4_the_originals_cursor_is_poisoned_by_a_broadcast(client):
    user = uuid.uuid4()
    publisher, jobs = OriginalPublisher(client, retention=True), JobsPublisher(client)
    publisher.publish(event(user))
    seen = jobs.broadcast("security.session.expiring", {"session_id": "s", "expires_in_seconds": 1})
    publisher.publish(event(user))
    assert OriginalSubscriber(client).get_missed_events(user, seen.event_id) == []


@pytest.mark.parametrize("poison", ["[]", "5", '{"event_id": null, "event_type": "import.started"}'])
def test_D5_the_originals_stream_dies_of_poison(client, poison):
    live = OriginalSubscriber(client).subscribe(uuid.uuid4())
    client.publish(BROADCAST, poison)
    with pytest.raises(StreamDied):
        live.take(1)


def test_S9_the_original_skips_what_it_cannot_read(client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    client.publish(user_channel(user), "no JSON")
    JobsPublisher(client).publish_to_user(user, "system.maintenance", {})  # D31
    OriginalPublisher(client).publish(event(user))
    assert len(live.take(1)) == 1 and len(live.warnings) == 2


def test_P11_jobs_broadcasts_have_the_nil_user(client):
    live = OriginalSubscriber(client).subscribe(uuid.uuid4())
    JobsPublisher(client).broadcast("security.session.expiring", {})
    assert live.take(1)[0].user_id == uuid.UUID(int=0)
    assert not client.keys("*")


def test_P5_a_failing_original_raises_nothing(redis_server, client):
    publisher = OriginalPublisher(client, retention=True)
    publisher.publish(event(uuid.uuid4()))
    redis_server.kill()
    publisher.publish(event(uuid.uuid4()))
    publisher.broadcast(event(uuid.uuid4()))
    assert len(publisher.warnings) == 2


def test_K2_a_user_is_read_from_a_channel():
    user = uuid.uuid4()
    assert user_of_channel(user_channel(user)) == user
    for other in (BROADCAST, user_stream(user), f"x:user:{user}", "sse:user:None", f"sse:user:{user}:x"):
        assert user_of_channel(other) is None


# ---- the reader of streams

GOOD = (b": tidings\nretry: 5\nid: 01a201f5-5603-7000-bb0a-886240004000\nevent: a\ndata: {}\n\n"
        b": hb\nevent: b\ndata: 1\n\n")


def test_the_sse_reader_reads_what_is_promised_at_any_cut():
    for cut in range(len(GOOD)):
        reader = SseDecoder()
        events = reader.feed(GOOD[:cut]) + reader.feed(GOOD[cut:])
        assert [(e.id, e.type, e.text) for e in events] == [("01a201f5-5603-7000-bb0a-886240004000", "a", "{}"),
                                                            (None, "b", "1")]
        assert reader.last_id == events[0].id and reader.retries == [5] and reader.heartbeats == 1


@pytest.mark.parametrize("bad", [
    b"retry: 5\n", b": tidings\r\n", b": tidings\nid: 1\nevent: a\ndata: {}\n\n", b": tidings\nevent: a\n\n",
    b": tidings\nevent: a\ndata: NaN\n\n", b": tidings\nevent: a\ndata: {}\ndata: {}\n\n", b": tidings\n\n",
    b": tidings\ndata: {}\nevent: a\n\n", b": tidings\nevent:a\n", b": tidings\nevent: \xff\n",
    b": tidings\nretry: x\n"])
def test_the_sse_reader_refuses_what_is_not_promised(bad):
    with pytest.raises(Violation):
        SseDecoder().feed(bad)


@pytest.mark.parametrize("bad", [
    b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nA: b\r\na: c\r\n\r\n", b"HTTP/1.1 404 Not Found\r\nA:b\r\n\r\n"])
def test_the_http_reader_refuses_what_is_not_promised(bad):
    with pytest.raises(Violation):
        HttpDecoder().feed(bad)


# ---- a hub

def test_a_hub_starts_streams_and_takes_events(start_any_hub, streams):
    hub = start_any_hub("memory:")
    ann, bob = str(uuid.uuid4()), str(uuid.uuid4())
    open_, other = streams.open(hub, ann).live(), streams.open(hub, bob).live()
    publisher = hub.publisher()
    ids = [publisher.user(ann, f"r{n}") for n in range(3)]
    last = publisher.broadcast("everybody")
    assert [e.id for e in open_.receives(4)] == [*ids, last]
    assert [e.id for e in other.receives(1)] == [last]
    cut = streams.open(hub, ann, last_event_id=ids[0]).live()
    assert [e.id for e in cut.data_events] == [*ids[1:], last]
    assert [e.id for e in streams.open(hub, ann, query_id=ids[1]).live().data_events] == [ids[2], last]
    assert hub.metrics()["tidings_published_total"] == 4 and hub.health() == 200
    assert publisher.send([{}]).json[0]["status"] == 400


def test_a_stream_cut_after_some_bytes_resumes_without_loss(start_any_hub, streams):
    hub = start_any_hub("memory:")
    ann = str(uuid.uuid4())
    first = streams.open(hub, ann).live()
    publisher = hub.publisher()
    ids = [publisher.user(ann, f"r{n}") for n in range(20)]
    start, got = first.events[0].id, []
    for cut in (700, 900, 1100, None):
        stream = streams.open(hub, ann, last_event_id=start, cut_after=cut)
        stream.wait(lambda s: s.ended or s.last_id and s.last_id >= ids[-1], "the cut, or the end")
        got += [e.id for e in stream.data_events]
        start = stream.last_id or start
    assert got == ids


def test_a_refused_stream_is_seen(start_any_hub, streams):
    hub = start_any_hub("memory:")
    stream = streams.open(hub, "ann", categories="xyz").wait(lambda s: s.body, "a body")
    assert stream.status == 400 and b"unknown-category" in stream.body


def test_an_unclean_end_is_seen(start_any_hub, streams):
    hub = start_any_hub("memory:")
    stream = streams.open(hub, "ann").live()
    assert hub.stop() == 0
    stream.wait(lambda s: s.ended, "the end")
    assert stream.ended == "unclean" and len(stream.retries) == 2


def test_tokens_are_taken_and_forged_ones_refused(start_any_hub):
    hub = start_any_hub("memory:")
    assert hub.publisher().send(hub_module_event()).status == 201
    assert hub.publisher(tokens.publisher("x" * 40)).send(hub_module_event()).status == 401
    assert hub.publisher(tokens.reader("ann", hub_module.SECRET)).send(hub_module_event()).status == 403


def hub_module_event():
    return {"type": "ai.passing", "data": {"note": "n"}, "user_id": "ann"}


def test_a_hubs_log_and_memory_are_seen(start_any_hub):
    hub = start_any_hub("memory:")
    assert hub.resident_bytes() > 1_000_000
    os.kill(hub.process.pid, 1)  # SIGHUP
    assert "reloaded" in hub.says("reloaded")


# ---- bad servers

@pytest.mark.parametrize("behaviour", [
    fake_redis.closes_at_once, fake_redis.says_garbage, fake_redis.is_a_web_server, fake_redis.truncates,
    fake_redis.is_loading, fake_redis.promises(b"*1000000000\r\n"), fake_redis.is_old, fake_redis.never_answers],
    ids=lambda behaviour: behaviour.__name__)
def test_a_bad_server_is_bad_to_any_client_and_leaves_its_port(behaviour, start_redis):
    fake = fake_redis.FakeRedis(behaviour)
    victim = redis.Redis(port=fake.port, socket_timeout=1, retry_on_timeout=False)
    with pytest.raises((redis.RedisError, UnicodeDecodeError, ValueError)):
        victim.xadd("k", {"a": "b"})
    assert fake.accepted and fake.most_connects_in_a_second() >= 1
    fake.close()
    good = start_redis(port=fake.port)
    assert good.client().ping()


def test_a_fake_can_be_plausible():
    fake = fake_redis.FakeRedis(fake_redis.answers(fake_redis.plausible))
    client = redis.Redis(port=fake.port, socket_timeout=5)
    assert client.ping() and client.info()["redis_version"] == "7.0.15"
    fake.close()


def test_strangers_on_a_server_are_counted(redis_server):
    other = redis.Redis(port=redis_server.port)
    assert redis_server.strangers() == []
    other.ping()
    eventually(lambda: len(redis_server.strangers()) == 1, "the stranger")
    other.close()
