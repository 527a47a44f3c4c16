"""What a hub writes to Redis, to the byte: names, messages, entries, ids, expiry, caps (K, V6, P, D3, D7, D8, D9)."""
import json
import re
import threading
import time
import uuid

import pytest

import original_ids
from hub import SECRET
from http_publisher import import_started, login_failed
from original_consumer import OriginalSubscriber
from original_model import BROADCAST, user_stream
from redis_server import entries
from waiting import eventually

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?\+00:00"
MESSAGE = re.compile(r'\{"event_id": "(?P<id>' + UUID + r')", "event_type": "(?P<type>[a-z.]+)", '
                     r'"user_id": "(?P<user>' + UUID + r')", "data": (?P<data>\{.*\}), '
                     r'"occurred_at": "(?P<at>' + TIME + r')", "tidings": (?P<tidings>\{"v": ?1, ?.*\})\}')
POSITION = re.compile(r"\d+-\d+-\d+")
NIL = "00000000-0000-0000-0000-000000000000"


def published(live, count=1):
    """The messages of ours that this subscription has heard, taken apart."""
    live.take(count)
    messages = [MESSAGE.fullmatch(data.decode()) for _, data in live.raw]
    assert all(messages), live.raw
    return messages


# ---- messages

def test_V6_P2_our_message_to_a_user_has_the_originals_five_fields_in_order_then_ours(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    id_ = redis_hub.publisher().user(user, "k", occurred_at="2026-01-20T02:30:00.5+01:00")
    message = published(live)[0]
    assert live.raw[0][0] == f"sse:user:{user}".encode()
    assert (message["id"], message["type"], message["user"]) == (id_, "security.login.failed", str(user))
    assert message["data"] == '{"reason":"k"}' and message["at"] == "2026-01-20T01:30:00.500000+00:00"
    ours = json.loads(message["tidings"])
    assert ours["v"] == 1 and ours["audience"] == f"user:{user}" and ours["category"] == "security"
    assert POSITION.fullmatch(ours["prev"])


def test_V6_P4_our_broadcast_has_the_nil_user(redis_hub, client):
    live = OriginalSubscriber(client).subscribe(uuid.uuid4())
    id_ = redis_hub.publisher().broadcast("everybody")
    message = published(live)[0]
    assert live.raw[0][0] == BROADCAST.encode() and message["id"] == id_ and message["user"] == NIL
    assert json.loads(message["tidings"])["audience"] == "broadcast"


@pytest.mark.parametrize("given, written", [
    ("2026-01-20T02:30:00Z", "2026-01-20T02:30:00+00:00"), ("2026-01-20T02:30:00", "2026-01-20T02:30:00+00:00"),
    ("2026-01-20T02:30:00.000001Z", "2026-01-20T02:30:00.000001+00:00"),
    ("2026-01-19T22:00:00.120-04:30", "2026-01-20T02:30:00.120000+00:00")])
def test_V6_times_are_in_isoformat(redis_hub, client, given, written):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    redis_hub.publisher().user(user, "k", occurred_at=given)
    assert published(live)[0]["at"] == written


def test_V6_data_is_minified_utf8_and_equal_to_what_was_published(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    reason = 'é 😀 \u2028 " \\ \x7f \n </script>'
    redis_hub.publisher().user(user, reason)
    data = published(live)[0]["data"]
    assert json.loads(data) == {"reason": reason} and "\n" not in data and '": ' not in data


# ---- entries

def test_V6_P7_our_entry_has_the_originals_four_fields_in_order_then_ours(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    ids = [publisher.user(user, f"r{n}") for n in range(5)]
    kept = entries(client, user_stream(user))
    for (entry_id, fields), message, id_ in zip(kept, published(live, 5), ids, strict=True):
        assert [name for name, _ in fields] == ["event_id", "event_type", "data", "occurred_at", "tidings"]
        assert [value for _, value in fields][:4] == [id_, message["type"], message["data"], message["at"]]
        assert json.loads(fields[4][1]) == json.loads(message["tidings"])
        assert entry_id == f"{original_ids.milliseconds_of(id_)}-{original_ids.sequence_of(id_)}"


def test_each_entry_names_the_one_before_it(redis_hub, client):
    user = uuid.uuid4()
    publisher = redis_hub.publisher()
    for n in range(5):
        publisher.user(user, f"r{n}")
    kept = entries(client, user_stream(user))
    prevs = [json.loads(dict(fields)["tidings"])["prev"].split("-", 1)[1] for _, fields in kept]
    assert prevs[1:] == [entry_id for entry_id, _ in kept[:-1]]
    born, first = int(prevs[0].split("-")[0]), int(kept[0][0].split("-")[0])
    assert first - born >= 3600_000 - 1000, "a newborn log's floor is its birth less the retention age"


def test_our_ids_are_bare_uuids_of_version_7(redis_hub):
    user = uuid.uuid4()
    before = time.time_ns() // 1_000_000
    ids = [redis_hub.publisher().user(user, f"r{n}") for n in range(20)]
    assert ids == sorted(set(ids))
    for id_ in ids:
        assert re.fullmatch(UUID, id_)
        parsed = uuid.UUID(id_)
        assert parsed.version == 7 and parsed.variant == uuid.RFC_4122
        assert before - 1000 <= original_ids.milliseconds_of(id_) <= time.time_ns() // 1_000_000 + 1000


def test_an_event_that_is_not_kept_is_published_and_leaves_no_entry(redis_hub, client, streams):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    stream = streams.open(redis_hub, user).live()
    body = {"type": "ai.tool.executing", "user_id": str(user),
            "data": {"conversation_id": str(uuid.uuid4()), "tool_name": "t"}}
    answer = redis_hub.publisher().send(body)
    assert answer.status == 201 and answer.json["ids"] == [None]
    message = published(live)[0]
    assert uuid.UUID(message["id"]).version == 7
    assert json.loads(message["tidings"])["retained"] is False
    assert [e.id for e in stream.receives(1)] == [None]
    assert not client.exists(user_stream(user))


# ---- names

def test_K1_K3_names_are_the_originals_and_ours_lie_beside_them(redis_hub, client):
    user = uuid.uuid4()
    redis_hub.publisher().user(user, "k")
    redis_hub.publisher().broadcast("k")
    assert redis_hub.publisher().send({**login_failed("k"), "topic": "t"}).status == 201
    keys = {key.decode() for key in client.keys("*")}
    assert {f"sse:stream:user:{user}", "sse:stream:broadcast", "sse:stream:topic:t"} <= keys
    others = keys - {f"sse:stream:user:{user}", "sse:stream:broadcast", "sse:stream:topic:t"}
    assert all(re.fullmatch(r"sse:tidings:[!-~]+", key) for key in others), others


def test_K1_users_are_written_in_canonical_form(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    redis_hub.publisher().user(str(user).upper(), "k")
    assert published(live)[0]["user"] == str(user)
    assert client.exists(user_stream(user)) and not client.exists(user_stream(str(user).upper()))


def test_K1_S1_a_stream_listens_to_its_user_and_the_broadcast(redis_hub, client, streams):
    user = uuid.uuid4()
    streams.open(redis_hub, user).live()
    channels = {channel.decode() for channel in client.pubsub_channels("sse:*")}
    assert {f"sse:user:{user}", BROADCAST} <= channels
    assert all(c in (f"sse:user:{user}", BROADCAST) or c.startswith("sse:tidings:") for c in channels), channels


def test_another_prefix_and_database_keep_hubs_apart(start_hub, redis_server, streams):
    other = start_hub(redis_server.url(database=3), store__prefix="other", store__foreign_producers="none")
    plain = start_hub(redis_server.url(), store__foreign_producers="none")
    user = uuid.uuid4()
    stream = streams.open(plain, user).live()
    other.publisher().user(user, "elsewhere")
    plain.publisher().user(user, "here")
    assert [e.json["reason"] for e in stream.receives(1)] == ["here"]
    assert all(key.startswith(b"other:") for key in redis_server.client(db=3).keys("*"))
    assert redis_server.client(db=3).exists(f"other:stream:user:{user}")


# ---- what is promised of both together

def test_D3_P6_what_is_heard_is_already_retained(redis_hub, client):
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    publisher = redis_hub.publisher()
    for n in range(30):
        publisher.user(user, f"r{n}")
        heard = published(live, n + 1)[-1]["id"]
        newest = client.xrevrange(user_stream(user), count=1)[0][1]
        assert newest[b"event_id"].decode() == heard


def publish_many(hub, bodies, answers):
    publisher = hub.publisher()
    answers.extend(publisher.send(body) for body in bodies)
    publisher.close()


def test_D6_D8_order_of_channel_and_log_are_one_under_concurrent_publishers(start_hub, redis_server, client):
    hubs = [start_hub(redis_server.url(), store__foreign_producers="none") for _ in range(2)]
    user = uuid.uuid4()
    live = OriginalSubscriber(client).subscribe(user)
    answers = []
    threads = [threading.Thread(target=publish_many, args=(
        hubs[t % 2], [{**login_failed(f"{t}-{n}"), "user_id": str(user)} for n in range(20)], answers))
        for t in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [201] * 320
    heard = [message["id"] for message in published(live, 320)]
    kept = [dict(fields)["event_id"] for _, fields in entries(client, user_stream(user))]
    assert heard == kept == sorted(kept) and set(kept) == {a.id for a in answers}


def test_D9_broadcasts_are_retained_under_a_name_of_ours(redis_hub, client, streams):
    user = uuid.uuid4()
    first = streams.open(redis_hub, user).live()
    first.close()
    ids = [redis_hub.publisher().broadcast(f"r{n}") for n in range(3)]
    assert client.xlen("sse:stream:broadcast") == 3
    again = streams.open(redis_hub, user, last_event_id=first.last_id).live()
    assert [e.id for e in again.data_events] == ids and not again.gaps


def test_P8_D7_each_append_renews_the_expiry(start_hub, redis_server, client):
    hub = start_hub(redis_server.url(), store__foreign_producers="none", store__retention__user__age="5s")
    user = uuid.uuid4()
    key = user_stream(user)
    hub.publisher().user(user, "first")
    eventually(lambda: client.pttl(key) < 4000, "a second of the log's life")
    assert client.pttl(key) > 0
    hub.publisher().user(user, "second")
    assert 4000 < client.pttl(key) <= 5000
    assert client.xlen(key) == 2
    assert client.ttl("sse:tidings:partition") == -1, "the partition's own key never expires"


def test_P9_logs_stay_short_enough_for_readers_that_read_them_whole(start_hub, redis_server, client):
    hub = start_hub(redis_server.url(), store__foreign_producers="retained", store__foreign_consumers=True,
                    store__retention__user__events=5000)
    user = uuid.uuid4()
    answer = hub.publisher().send([{**import_started(f"f{n}"), "user_id": str(user)} for n in range(1400)])
    assert answer.status == 200 and all(item["status"] == 201 for item in answer.json)
    assert 1000 <= client.xlen(user_stream(user)) <= 1100


def test_P9_the_cap_of_the_configuration_holds(start_hub, redis_server, client, streams):
    hub = start_hub(redis_server.url(), store__foreign_producers="none", store__retention__user__events=50)
    user = uuid.uuid4()
    first = streams.open(hub, user).live()
    first.close()
    for _ in range(3):
        hub.publisher().send([{**login_failed("k"), "user_id": str(user)} for n in range(200)])
    assert 50 <= client.xlen(user_stream(user)) <= 250
    again = streams.open(hub, user, last_event_id=first.last_id).live()
    assert [gap["reason"] for gap in again.gaps] == ["trimmed"]


def test_P7_an_idempotency_key_holds_across_hubs(start_hub, redis_server, client):
    hubs = [start_hub(redis_server.url(), store__foreign_producers="none") for _ in range(2)]
    user = str(uuid.uuid4())
    body = {**login_failed("once"), "user_id": user}
    first = hubs[0].publisher().send(body, key="K")
    second = hubs[1].publisher().send(body, key="K")
    assert first.status == second.status == 201 and first.text == second.text
    assert client.xlen(user_stream(user)) == 1
    other = hubs[1].publisher().send({**body, "data": {"reason": "another"}}, key="K")
    assert other.status == 422 and other.problem() == "idempotency-conflict"


def test_D1_an_event_without_a_user_reaches_nobody(redis_hub, client):
    listener = client.pubsub()
    listener.psubscribe("sse:user:*")
    body = json.dumps({"name": "UserLoginFailed", "data": {"email": "a@b.c", "reason": "x", "user_id": None}})
    answer = redis_hub.publisher().request("POST", "/domain-events", body)
    assert answer.status == 202 and answer.json["ignored"] == "no_user", answer
    marker = redis_hub.publisher().user(uuid.uuid4(), "after")
    heard = []
    eventually(lambda: heard.extend(m for m in [listener.get_message(timeout=0.1)] if m) or
               any(marker.encode() in m["data"] for m in heard if m["type"] == "pmessage"), "the marker")
    assert sum(m["type"] == "pmessage" for m in heard) == 1
    assert not client.exists("sse:stream:user:None")


def test_a_secret_is_in_no_key_and_no_log(redis_hub, client):
    redis_hub.publisher().user(uuid.uuid4(), "k")
    assert SECRET not in redis_hub.log() and SECRET.encode() not in b"".join(client.keys("*"))
