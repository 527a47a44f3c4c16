"""What a hub holds of Redis, and that it comes back after each way of losing it (D21, D23, D25, D28, M14)."""
import threading
import uuid

import pytest

from http_publisher import login_failed
from original_model import OriginalEvent, user_channel
from original_producer import OriginalPublisher
from waiting import eventually, holds_for

MOST = 4  # connections of one hub, whatever it serves


def live_again(hub, streams_, user, word):
    hub.publisher().user(user, word)
    for stream in streams_:
        stream.receives_reason(word)
        assert stream.ended is None and not stream.gaps


def test_P1_P2_hubs_share_events_and_cursors(start_hub, redis_server, streams):
    hubs = [start_hub(redis_server.url(), store__foreign_producers="none") for _ in range(3)]
    user = str(uuid.uuid4())
    opened = [streams.open(hub, user).live() for hub in hubs]
    ids = [hubs[n % 3].publisher().user(user, f"r{n}") for n in range(9)]
    ids.append(hubs[1].publisher().broadcast("everybody"))
    for stream in opened:
        assert [e.id for e in stream.receives(10)] == ids
    for n, id_ in enumerate(ids):
        again = streams.open(hubs[(n + 1) % 3], user, last_event_id=id_).live()
        assert [e.id for e in again.data_events] == ids[n + 1:] and not again.gaps
    assert hubs[0].kill() != 0
    late = hubs[2].publisher().user(user, "without the first")
    assert opened[1].receives_reason("without the first").id == late


@pytest.mark.limit(180)
def test_D21_M14_five_hundred_streams_share_four_connections(redis_hub, redis_server, client, streams):
    users = [uuid.uuid4() for _ in range(250)]
    opened = [streams.open(redis_hub, user) for user in users for _ in range(2)]
    for stream in opened:
        stream.live()
    assert 1 <= len(redis_server.strangers()) <= MOST
    theirs, ours = OriginalPublisher(client, retention=True), redis_hub.publisher()
    for number, user in enumerate(users):
        if number % 10 == 0:
            theirs.publish(OriginalEvent("security.login.failed", user, {"reason": "theirs"}))
            ours.user(user, "ours")
    ours.broadcast("everybody")
    for number, stream in enumerate(opened):
        stream.receives_reason("everybody")
        if number // 2 % 10 == 0:
            stream.receives_reason("theirs")
    resumed = [streams.open(redis_hub, user, last_event_id=opened[0].events[0].id) for user in users[:100]]
    for stream in resumed:
        stream.receives_reason("everybody")
    assert 1 <= len(redis_server.strangers()) <= MOST
    assert redis_hub.metrics()["tidings_streams"] == 600


def test_D28_channels_are_left_when_the_last_stream_of_a_user_goes(redis_hub, client, streams):
    user = uuid.uuid4()

    def subscribed():
        return dict(client.pubsub_numsub(user_channel(user)))[user_channel(user).encode()]

    first, second = streams.open(redis_hub, user).live(), streams.open(redis_hub, user).live()
    assert subscribed() == 1, "two streams of a user share one subscription"
    first.close()
    live_again(redis_hub, [second], user, "still")
    assert subscribed() == 1
    second.reset()
    eventually(lambda: subscribed() == 0, "the channel was not left")
    live_again(redis_hub, [streams.open(redis_hub, user).live()], user, "again")


def test_D28_a_stream_that_is_cut_while_it_catches_up_leaves_nothing(redis_hub, client, streams):
    user = uuid.uuid4()
    redis_hub.publisher().send([{**login_failed(f"r{n}"), "user_id": str(user)} for n in range(800)])
    for _ in range(30):
        streams.open(redis_hub, user, **{"from": "earliest"}).reset()
    eventually(lambda: dict(client.pubsub_numsub(user_channel(user)))[user_channel(user).encode()] == 0,
               "the channel was not left")
    eventually(lambda: redis_hub.metrics()["tidings_streams"] == 0, "streams that nobody reads")


@pytest.mark.parametrize("kind", ["pubsub", "normal", "both"])
def test_D23_S11_streams_outlive_killed_connections(redis_hub, redis_server, client, streams, kind):
    user = uuid.uuid4()
    opened = [streams.open(redis_hub, user).live() for _ in range(3)]
    for round_ in range(3):
        for stranger in redis_server.strangers():
            if kind == "both" or (int(stranger["sub"]) > 0) == (kind == "pubsub"):
                client.client_kill_filter(_id=stranger["id"])
        bodies = [{**login_failed(f"{round_}-{n}"), "user_id": str(user)} for n in range(3)]
        answers = [redis_hub.publisher().send(body, key=f"{round_}-{n}") for n, body in enumerate(bodies)]
        for n, answer in enumerate(answers):
            if answer.status == 201:
                for stream in opened:
                    stream.receives_reason(f"{round_}-{n}")
        live_again(redis_hub, opened, user, f"after {round_}")
    for stream in opened:
        ids = [e.id for e in stream.data_events]
        assert ids == sorted(set(ids)), "in order, and each once"
    assert len(redis_server.strangers()) <= MOST


def test_D23_streams_outlive_a_redis_that_is_away_and_comes_back_empty(start_hub, redis_server, streams):
    hub = start_hub(redis_server.url(), store__foreign_producers="none", store__publish_wait="500ms",
                    delivery__heartbeat="1s")
    user = uuid.uuid4()
    stream = streams.open(hub, user).live()
    redis_server.kill()
    answer = eventually(lambda: next((a for a in [hub.publisher().send({**login_failed("x"), "user_id": str(user)})]
                                      if a.status != 201), None), "a refusal")
    assert answer.status == 503 and answer.problem() in ("store-unavailable", "outcome-unknown")
    assert int(answer.fields["Retry-After"]) >= 1
    assert hub.health("/readyz") == 200 and hub.health("/readyz?deep") == 503 and hub.health("/livez") == 200
    assert hub.metrics()["tidings_store_away"] == 1
    late = streams.open(hub, user).wait(lambda s: s.heartbeats >= 1, "a heartbeat of a stream that came meanwhile")
    assert late.status == 200 and stream.ended is None
    redis_server.start()
    eventually(lambda: hub.publisher().send({**login_failed("back"), "user_id": str(user)}).status == 201, "a success")
    stream.live(2)
    late.live()
    assert [gap["reason"] for gap in stream.gaps] == ["store_reset"], "what was lost with it is told"
    hub.publisher().user(user, "well")  # the gap covers what came before it
    stream.receives_reason("well")
    late.receives_reason("well")
    assert len(stream.gaps) == 1 and not late.gaps
    assert hub.metrics()["tidings_store_away"] == 0


def test_a_hub_that_starts_before_its_redis_waits_for_it(start_hub, redis_server, streams):
    redis_server.kill()
    hub = start_hub(redis_server.url(), store__foreign_producers="none", store__publish_wait="500ms")
    user = uuid.uuid4()
    stream = streams.open(hub, user).wait(lambda s: s.status == 200, "the head")
    assert hub.publisher().send({**login_failed("x"), "user_id": str(user)}).status == 503
    hub.says(rf"127\.0\.0\.1:{redis_server.port}")
    redis_server.start()
    stream.live()
    live_again(hub, [stream], user, "there")


def test_P9_live_after_a_break_of_the_link_foreign_losses_are_told(start_hub, redis_server, client, streams):
    hub = start_hub(redis_server.url(), store__foreign_producers="live")
    user = uuid.uuid4()
    stream = streams.open(hub, user).live()
    for stranger in redis_server.strangers():
        client.client_kill_filter(_id=stranger["id"])
    stream.wait(lambda s: [g["reason"] for g in s.gaps] == ["foreign"], "gap foreign")
    stream.live(2)
    OriginalPublisher(client).publish(OriginalEvent("security.login.failed", user, {"reason": "x"}))
    stream.receives_reason("x")


def test_script_flush_in_the_middle_loses_nothing(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    stop, publisher = threading.Event(), redis_hub.publisher()

    def flush():
        flusher = client
        while not stop.wait(0.002):
            flusher.script_flush()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        ids = [publisher.user(user, f"r{n}") for n in range(200)]
    finally:
        stop.set()
        thread.join()
    assert [e.id for e in stream.receives(200)] == ids and not stream.gaps


def test_flushall_is_told_and_streams_go_on(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    redis_hub.publisher().user(user, "before")
    stream.receives_reason("before")
    before = stream.last_id
    client.flushall()
    body = {**login_failed("after"), "user_id": str(user)}
    eventually(lambda: redis_hub.publisher().send(body).status == 201, "a success")
    stream.live(2)
    redis_hub.publisher().user(user, "well")  # the gap covers what came before it
    stream.receives_reason("well")
    assert stream.ended is None and [gap["reason"] for gap in stream.gaps] == ["store_reset"]
    again = streams.open(redis_hub, user, last_event_id=before).live()
    assert [gap["reason"] for gap in again.gaps] == ["store_reset"], "an id of the life before is not one of this"


def test_D25_a_drain_ends_streams_politely_and_leaves_no_connection(redis_hub, redis_server, streams):
    opened = [streams.open(redis_hub, uuid.uuid4()).live() for _ in range(5)]
    assert redis_hub.stop() == 0
    for stream in opened:
        stream.wait(lambda s: s.ended, "the end")
        assert stream.ended == "unclean" and len(stream.retries) == 2
    eventually(lambda: not redis_server.strangers(), "a connection was left")


def test_an_idle_hub_keeps_its_connections(start_hub, redis_server, client, streams):
    """Redis closes clients that are idle for `timeout`; the hub's own pings prevent that, or it comes back unseen."""
    client.config_set("timeout", 1)
    hub = start_hub(redis_server.url(), store__foreign_producers="none")
    user = uuid.uuid4()
    stream = streams.open(hub, user).live()
    holds_for(lambda: stream.ended is None, "the stream ended", 3)
    live_again(hub, [stream], user, "awake")
