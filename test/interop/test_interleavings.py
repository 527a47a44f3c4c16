"""Producers of both systems at random on one Redis, several hubs, clients that are cut and come back anywhere.

Nothing that was retained is lost, nothing of ours doubles or comes out of order, foreign events come at least once
(P-1 to P-4, P-9; D2, D3, D4, D6, D8).
"""
import os
import uuid

import pytest

import ledger as ledger_module
from ledger import EVERYBODY, Got, Journey, Ledger, Told
from original_consumer import OriginalSubscriber
from original_model import user_stream
from traffic import JobsActor, OurPublisher, Roamer, TheirPublisher, legs_of
from waiting import eventually

LONG = os.environ.get("TIDINGS_TEST_LONG") == "1"
ROUNDS = 20 if LONG else 1
SCALE = 1.0


# ---- the checker finds what it must

def small_world():
    ledger = Ledger()
    for told in (Told("1", "a", "ann", "import", True, True), Told("2", "b", "ann", "security", True, True),
                 Told("f", "c", "ann", "import", False, True), Told("", "d", EVERYBODY, "import", False, False),
                 Told("3", "e", EVERYBODY, "import", True, True), Told("9", "z", "bob", "import", True, True)):
        ledger.add(told)
    legs = [[Got("1", "a", "import"), Got(None, "d", "import")],
            [Got("2", "b", "security"), Got("f", "c", "import"), Got("3", "e", "import")]]
    return ledger, Journey("ann", None, legs), {"1": 0, "2": 1, "f": 2}


def test_the_checker_is_content_with_what_is_right():
    ledger, journey, order = small_world()
    assert ledger_module.faults(ledger, journey, order) == []
    journey.legs[1].insert(0, Got(None, "c", "import"))  # a foreign event once more, without id
    assert ledger_module.faults(ledger, journey, order) == []


@pytest.mark.parametrize("spoil, says", [
    (lambda j, o: j.legs[1].pop(0), "lost"), (lambda j, o: j.legs[1].pop(1), "lost"),
    (lambda j, o: j.legs[1].insert(0, j.legs[0][0]), "doubled"), (lambda j, o: j.legs[1].reverse(), "out of order"),
    (lambda j, o: j.legs[1].append(j.legs[1][1]), "times on one connection"),
    (lambda j, o: j.legs[0].append(Got("9", "z", "import")), "nobody published this"),
    (lambda j, o: j.legs[0].append(Got("d", "d", "import")), "not its own"),
    (lambda j, o: o.update({"f": 0, "1": 1, "2": 2}), "order of the log"), (lambda j, o: j.gaps.append("x"), "gap"),
    (lambda j, o: setattr(j, "categories", ["import"]), "filtered out")])
def test_the_checker_finds_what_is_wrong(spoil, says):
    ledger, journey, order = small_world()
    spoil(journey, order)
    assert any(says in fault for fault in ledger_module.faults(ledger, journey, order))


# ---- the world

def cast(seed, hubs, server, streams, ledger, users):
    roamers = [Roamer(f"roamer{n}-{u}", seed, hubs, streams, user, ["import"] if n == 2 else None)
               for u, user in enumerate(users) for n in range(3)]
    actors = [OurPublisher(f"ours{n}", seed, hubs, users, ledger, int(500 * SCALE)) for n in range(3)]
    actors += [TheirPublisher(f"theirs{n}", seed, server.client(), users, ledger, int(400 * SCALE), True)
               for n in range(2)]
    actors.append(TheirPublisher("plain", seed, server.client(), users, ledger, int(300 * SCALE), False))
    actors.append(JobsActor("jobs", seed, server.client(), users, ledger, int(300 * SCALE)))
    return roamers, actors


def raise_errors(threads):
    for thread in threads:
        if thread.error is not None:
            raise AssertionError(f"{thread.name} failed") from thread.error


def play(roamers, actors):
    """Clients first, so that each of them must get everything; then everybody at once."""
    for roamer in roamers:
        roamer.start()
    for roamer in roamers:
        eventually(lambda r=roamer: r.started.is_set() or r.error, f"{roamer.name} is not live")
    raise_errors(roamers)
    for actor in actors:
        actor.start()
    for actor in actors:
        actor.join(120)
        assert not actor.is_alive(), f"{actor.name} hangs"
    for roamer in roamers:
        roamer.over.set()
    for roamer in roamers:
        roamer.join(60)
        assert not roamer.is_alive(), f"{roamer.name} hangs"
    raise_errors([*actors, *roamers])


def last_legs(ledger, roamers):
    """Each client waits in its last leg until it has what is due; what does not come is found by the checker."""
    for roamer in roamers:
        due = {told.tag for told in ledger.due(roamer.journey.user, roamer.categories)} - roamer.journey.tags()
        try:
            roamer.stream.live(seconds=60)
            roamer.stream.wait(lambda s, due=due: due <= {got.tag for got in legs_of(s)}, "the rest", 30)
        except AssertionError as error:
            print(f"{roamer.name}: {error}")
        roamer.finish()


def test_the_world_holds_on_one_plain_hub(start_any_hub, streams, seed):
    """The same clients and publishers on a hub in memory: what is found on Redis is not the test's own."""
    hub = start_any_hub("memory:", store__retention__user__events=5000, store__retention__broadcast__events=5000)
    users = [str(uuid.uuid4()) for _ in range(3)]
    ledger = Ledger()
    roamers = [Roamer(f"roamer{n}-{u}", seed, [hub], streams, user, ["import"] if n == 2 else None)
               for u, user in enumerate(users) for n in range(3)]
    play(roamers, [OurPublisher(f"ours{n}", seed, [hub], users, ledger, 300) for n in range(3)])
    last_legs(ledger, roamers)
    found = [fault for roamer in roamers for fault in ledger_module.faults(ledger, roamer.journey, {})]
    assert not found, "\n".join(found[:40])
    assert sum(len(roamer.journey.legs) for roamer in roamers) > 2 * len(roamers)


def check_the_original(server, ledger, users, lives):
    """The original's own consumers had all of it too, live in the order of the log, and on replay."""
    client = server.client()
    for user, live in zip(users, lives, strict=True):
        due = {(t.tag, t.id) for t in ledger.due(user)}
        live.until(lambda events, due=due: due <= {(tag_of(e), str(e.event_id)) for e in events})
        ours = [str(e.event_id) for e in live.events if ledger.find(tag_of(e), user).ours]
        assert ours == sorted(set(ours)), "ours once, and in order on the channel"
        assert not live.warnings
        kept = [fields[b"event_id"].decode() for _, fields in client.xrange(user_stream(user))]
        reader = OriginalSubscriber(client)
        assert [str(e.event_id) for e in reader.get_missed_events(user, kept[0])] == kept[1:]
        assert not reader.warnings


def tag_of(event):
    return event.data.get("reason") or event.data.get("file_name")


@pytest.mark.limit(240)
@pytest.mark.parametrize("hub_count", [2, 3])
@pytest.mark.parametrize("round_", range(ROUNDS))
def test_P1_P2_P3_P9_nothing_retained_is_lost_and_nothing_of_ours_doubles(
        start_hub, redis_server, client, streams, seed, round_, hub_count):
    hubs = [start_hub(redis_server.url(), store__foreign_producers="retained", store__foreign_consumers=True)
            for _ in range(hub_count)]
    users = [str(uuid.uuid4()) for _ in range(6)]
    ledger = Ledger()
    lives = [OriginalSubscriber(redis_server.client()).subscribe(uuid.UUID(user)) for user in users]
    roamers, actors = cast(seed + round_, hubs, redis_server, streams, ledger, users)
    play(roamers, actors)
    last_legs(ledger, roamers)
    orders = {user: {fields[b"event_id"].decode(): place
                     for place, (_, fields) in enumerate(client.xrange(user_stream(user)))} for user in users}
    assert max(len(order) for order in orders.values()) < 1000, "the original's own trimming would lose events"
    found = [f"{roamer.name}: {fault}" for roamer in roamers
             for fault in ledger_module.faults(ledger, roamer.journey, orders[roamer.journey.user])]
    legs = sum(len(roamer.journey.legs) for roamer in roamers)
    print(f"{len(ledger.by_tag)} events, {len(roamers)} clients, {legs} connections, {len(found)} faults")
    assert not found, "\n".join(found[:40])
    check_the_original(redis_server, ledger, users, lives)
    assert all(len(redis_server.strangers()) <= 4 * hub_count for _ in range(3))
