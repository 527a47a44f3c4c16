"""A client that comes back with an id of the original's (P-9; D4, D11, S14, S15)."""
import json
import uuid

import pytest

import original_ids
from original_model import OriginalEvent, user_stream
from original_producer import JobsPublisher, OriginalPublisher, SteadyPublisher, tick

LAYOUTS = {"draft": original_ids.draft_uuid7, "rfc": original_ids.rfc_uuid7}


def login_failed(user, reason, **more):
    return OriginalEvent("security.login.failed", user, {"reason": reason}, **more)


def mixed_log(hub, client, user, count=8, make=original_ids.draft_uuid7):
    """Theirs and ours in turn; (id, reason) of each, in the order of the log."""
    theirs, ours, sent = SteadyPublisher(client), hub.publisher(), []
    for n in range(count):
        if n % 2 == 0:
            event = login_failed(user, f"r{n}", event_id=make())
            theirs.publish(event)
            sent.append((str(event.event_id), f"r{n}"))
        else:
            tick(client)
            sent.append((ours.user(user, f"r{n}"), f"r{n}"))
    assert not theirs.warnings
    return sent


def named(stream):
    """Events with an id; the foreign ones of the last two seconds may come once more without one."""
    return [(e.id, e.json["reason"]) for e in stream.data_events if e.id is not None]


@pytest.mark.parametrize("way", ["field", "query"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_D11_S14_a_foreign_id_in_the_log_replays_exactly_what_follows(redis_hub, client, streams, layout, way):
    user = uuid.uuid4()
    sent = mixed_log(redis_hub, client, user, make=LAYOUTS[layout])
    for n in range(0, len(sent), 2):
        cursor = {"last_event_id" if way == "field" else "query_id": sent[n][0]}
        stream = streams.open(redis_hub, user, **cursor).live()
        assert named(stream) == sent[n + 1:] and not stream.gaps


@pytest.mark.parametrize("spell", [str, lambda id_: id_.upper(), lambda id_: id_.replace("-", "")],
                         ids=["canonical", "upper", "no hyphens"])
@pytest.mark.parametrize("parameter", ["Last-Event-ID", "lastEventId", "query_id"])
def test_E5_the_originals_parameter_takes_an_id_in_any_spelling(redis_hub, client, streams, parameter, spell):
    user = uuid.uuid4()
    sent = mixed_log(redis_hub, client, user)
    stream = streams.open(redis_hub, user, **{parameter: spell(sent[0][0])}).live()
    assert named(stream) == sent[1:] and not stream.gaps


def test_P2_an_id_of_ours_replays_ours_and_theirs(redis_hub, client, streams):
    user = uuid.uuid4()
    sent = mixed_log(redis_hub, client, user)
    for n in range(1, len(sent), 2):
        stream = streams.open(redis_hub, user, last_event_id=sent[n][0]).live()
        assert named(stream) == sent[n + 1:] and not stream.gaps


def test_P1_the_cursor_of_a_stream_never_goes_back_beside_foreign_events(redis_hub, client, streams):
    """Whatever id a client holds, coming back with it misses nothing of what it had not seen."""
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    start = stream.last_id
    sent = mixed_log(redis_hub, client, user)
    stream.wait(lambda s: {r for _, r in sent} <= set(s.reasons()), "all")
    seen = [e for e in stream.events if e.id is not None]
    all_reasons = [reason for _, reason in sent]
    for index, event in enumerate(seen):
        had = {e.json.get("reason") for e in stream.events[:stream.events.index(event) + 1]}
        again = streams.open(redis_hub, user, last_event_id=event.id).live()
        assert set(all_reasons) <= had | set(again.reasons()), (index, event)
        assert not again.gaps
    assert seen[0].id == start


@pytest.mark.parametrize("cursor", ["3fa85f64-5717-4562-b3fc-2c963f66afa6", "garbage", "x" * 500, "0"])
def test_S15_an_id_that_nobody_knows_is_told(redis_hub, client, streams, cursor):
    user = uuid.uuid4()
    mixed_log(redis_hub, client, user)
    stream = streams.open(redis_hub, user, last_event_id=cursor).live()
    assert [gap["reason"] for gap in stream.gaps] == ["unknown_id"] and not named(stream)
    redis_hub.publisher().user(user, "after")
    stream.receives_reason("after")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_S15_an_id_of_version_7_that_nobody_knows_is_told(redis_hub, client, streams, layout):
    """It may have been ours in another life of the store: either reason is right, silence is not."""
    user = uuid.uuid4()
    mixed_log(redis_hub, client, user)
    stream = streams.open(redis_hub, user, last_event_id=LAYOUTS[layout]()).live()
    assert len(stream.gaps) == 1 and stream.gaps[0]["reason"] in ("unknown_id", "store_reset")


def test_S15_on_gap_replay_brings_all_that_is_retained(redis_hub, client, streams):
    user = uuid.uuid4()
    sent = mixed_log(redis_hub, client, user)
    stream = streams.open(redis_hub, user, last_event_id=uuid.uuid4(), on_gap="replay").live()
    assert [gap["reason"] for gap in stream.gaps] == ["unknown_id"] and named(stream) == sent


def test_D4_a_broadcast_of_the_jobs_does_not_poison_the_cursor(redis_hub, client, streams):
    user = uuid.uuid4()
    stream = streams.open(redis_hub, user).live()
    sent = mixed_log(redis_hub, client, user, count=2)
    stream.wait(lambda s: {"r0", "r1"} <= set(s.reasons()), "both")
    JobsPublisher(client).broadcast("security.login.failed", {"reason": "poison"})
    stream.receives_reason("poison")
    before = stream.last_id
    stream.close()
    missed = redis_hub.publisher().user(user, "missed")
    again = streams.open(redis_hub, user, last_event_id=before).live()
    assert named(again)[-1] == (missed, "missed") and not again.gaps
    assert set(named(again)) <= {*sent, (missed, "missed")}


def test_P2_a_foreign_cursor_holds_for_the_broadcast_and_topics_too(redis_hub, client, streams):
    user = uuid.uuid4()
    publisher = redis_hub.publisher()
    publisher.broadcast("before")
    event = login_failed(user, "theirs")
    SteadyPublisher(client).publish(event)
    tick(client)
    publisher.broadcast("after")
    stream = streams.open(redis_hub, user, last_event_id=event.event_id).live()
    assert [reason for _, reason in named(stream)] == ["after"] and not stream.gaps


def at_one_position(hub, client, bob, event):
    """Stores `event` for bob at the position that our next publish gets, whatever that is for; the position's time.

    XADD * of theirs knows nothing of our clock, so an entry of theirs and one of ours in another log may have the
    same place. Here it is arranged by a log that is ahead of the clock, so that ours count on by one.
    """
    ann, ahead = uuid.uuid4(), int(client.time()[0]) * 1000 + 20_000
    fields = {"event_id": str(uuid.uuid4()), "event_type": "import.started", "data": "{}",
              "occurred_at": "2026-01-20T02:30:00+00:00"}
    client.xadd(user_stream(ann), fields, id=f"{ahead}-0")
    first = hub.publisher().user(ann, "ahead")
    assert original_ids.milliseconds_of(first) == ahead
    place = f"{ahead}-{original_ids.sequence_of(first) + 1}"
    client.xadd(user_stream(bob), {**fields, "event_id": str(event.event_id), "event_type": event.event_type,
                                   "data": json.dumps(event.data)}, id=place)
    return place


def test_P2_an_entry_of_theirs_at_the_very_place_of_ours_hides_nothing(redis_hub, client, streams):
    """Ours goes first, so that neither id of the two, once a client has it, lies before what it has not had."""
    bob = uuid.uuid4()
    start = streams.open(redis_hub, bob).live().last_id
    event = login_failed(bob, "theirs")
    place = at_one_position(redis_hub, client, bob, event)
    ours = redis_hub.publisher().broadcast("ours")
    assert f"{original_ids.milliseconds_of(ours)}-{original_ids.sequence_of(ours)}" == place
    stream = streams.open(redis_hub, bob, last_event_id=start).live()
    assert named(stream) == [(ours, "ours"), (str(event.event_id), "theirs")] and not stream.gaps
    after_ours = streams.open(redis_hub, bob, last_event_id=ours).live()
    assert [(e.id, e.json["reason"]) for e in after_ours.data_events] == [(None, "theirs")] and not after_ours.gaps
    after_both = streams.open(redis_hub, bob, last_event_id=event.event_id).live()
    assert not after_both.data_events and not after_both.gaps


def test_P1_a_live_entry_of_theirs_at_the_very_place_of_ours_hides_nothing(redis_hub, client, streams):
    bob = uuid.uuid4()
    stream = streams.open(redis_hub, bob).live()
    event = login_failed(bob, "theirs")
    at_one_position(redis_hub, client, bob, event)
    OriginalPublisher(client).publish(event)
    stream.receives_reason("theirs")
    ours = redis_hub.publisher().broadcast("ours")
    assert stream.receives_reason("ours").id == ours and not stream.gaps


def test_P5_a_foreign_cursor_of_another_user_opens_nothing(redis_hub, client, streams):
    ann, bob = uuid.uuid4(), uuid.uuid4()
    anns = mixed_log(redis_hub, client, ann)
    bobs = redis_hub.publisher().user(bob, "bob's")
    stream = streams.open(redis_hub, bob, last_event_id=anns[0][0]).live()
    assert len(stream.gaps) == 1 and not stream.data_events
    all_ = streams.open(redis_hub, bob, last_event_id=anns[0][0], on_gap="replay").live()
    assert named(all_) == [(bobs, "bob's")] and len(all_.data_events) == 1


def test_P2_repeats_of_the_last_two_seconds_have_no_id(redis_hub, client, streams):
    """A foreign entry may have been stored after its neighbour was read: it is repeated, but cannot move the cursor."""
    user = uuid.uuid4()
    sent = mixed_log(redis_hub, client, user)
    last_of_ours = sent[-1][0]
    stream = streams.open(redis_hub, user, last_event_id=last_of_ours).live()
    assert not named(stream) and set(stream.reasons()) <= {"r0", "r2", "r4", "r6"}


def test_D12_D13_a_resume_reads_in_pages_and_not_the_whole_log(redis_hub, redis_server, client, streams):
    user = uuid.uuid4()
    sent = [login_failed(user, f"r{n}") for n in range(900)]
    begin = int(client.time()[0]) * 1000 - 2_800_000  # far apart, so that a resume repeats hardly any of them
    with client.pipeline(transaction=False) as pipeline:
        for n, event in enumerate(sent):
            fields = {**event.to_dict(), "data": json.dumps(event.data)}
            del fields["user_id"]
            pipeline.xadd(user_stream(user), fields, f"{begin + 3000 * n}-0")
        pipeline.execute()
    with redis_server.client().monitor() as monitor:
        opened = [streams.open(redis_hub, user, last_event_id=sent[-3].event_id).live() for _ in range(5)]
        client.ping()
        reads = []
        for command in monitor.listen():
            if command["command"] == "PING" and command["client_type"] != "lua":
                break
            if "XRANGE" in command["command"].upper() or "XREVRANGE" in command["command"].upper():
                reads.append(command["command"])
    assert all(named(stream) == [(str(e.event_id), e.data["reason"]) for e in sent[-2:]] for stream in opened)
    assert reads and all(" COUNT " in read.upper() for read in reads), reads[:5]
    assert len(reads) <= 60, f"{len(reads)} reads for five clients that missed two events each"


def test_D13_clients_are_told_to_come_back_at_different_times(redis_hub, streams):
    opened = [streams.open(redis_hub, uuid.uuid4()).live() for _ in range(20)]
    retries = [stream.retries[0] for stream in opened]
    assert all(100 <= retry <= 900 for retry in retries) and len(set(retries)) > 5
