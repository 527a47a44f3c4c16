"""Servers that are no Redis, or speak it wrongly: a clear line, bounded retries and memory, and a way back."""
import pytest

import fake_redis
from fake_redis import FakeRedis
from together import groups, together
from trouble import CONNECTS_A_SECOND, Trouble
from waiting import eventually

SETTINGS = {"store__foreign_producers": "none", "store__publish_wait": "500ms"}
NO_REDIS = "protocol|RESP|not a Redis|no Redis|not Redis|understand|not understood"
TOO_MUCH = NO_REDIS + "|too (?:large|many|big|long|deep)|limit|huge|bytes"
ASKEW = NO_REDIS + "|unexpected|answer|repl"
LOST = "closed|lost|ended|reset|connection"

# behaviour -> what the log must speak of
BAD = {
    "closes at once": (fake_redis.closes_at_once, LOST),
    "never answers": (fake_redis.never_answers, "no answer|not answer|answer|timed? ?out"),
    "garbage": (fake_redis.says_garbage, NO_REDIS),
    "a web server": (fake_redis.is_a_web_server, NO_REDIS),
    "a huge array": (fake_redis.promises(b"*1000000000\r\n"), TOO_MUCH),
    "an array beyond 64 bits": (fake_redis.promises(b"*99999999999999999999999\r\n"), TOO_MUCH),
    "a negative array": (fake_redis.promises(b"*-7\r\n"), NO_REDIS),
    "a huge text": (fake_redis.promises(b"$9999999999\r\n"), TOO_MUCH),
    "a text of negative length": (fake_redis.promises(b"$-9\r\n"), NO_REDIS),
    "a line without end": (fake_redis.promises(b"+" + b"x" * 5_000_000), TOO_MUCH + "|answer"),
    "arrays in arrays": (fake_redis.nests_deeply, TOO_MUCH + "|nest"),
    "an endless text": (fake_redis.floods, TOO_MUCH + "|answer"),
    "cut replies": (fake_redis.truncates, LOST),
    "replies that nobody asked for": (fake_redis.answers_too_often, ASKEW),
    "replies of other commands": (fake_redis.answers_askew, ASKEW),
    "loading": (fake_redis.is_loading, "loading"),
    "version 5.0": (fake_redis.is_old, r"5\.0"),
    "nulls": (fake_redis.promises(b"$-1\r\n"), ASKEW + "|INFO"),
    "errors": (fake_redis.promises(b"-ERR no\r\n"), "ERR no"),
    "a third version of the protocol": (fake_redis.promises(b"%1\r\n+a\r\n:1\r\n"), ASKEW),
}


@pytest.fixture
def start_fake():
    fakes = []

    def start(behaviour, port=0):
        fakes.append(FakeRedis(behaviour, port))
        return fakes[-1]

    yield start
    for fake in fakes:
        fake.close()


@pytest.mark.limit(180)
@pytest.mark.parametrize("names", groups(BAD, 7), ids=", ".join)
def test_a_bad_server_is_told_of_and_left_behind(start_hub, start_redis, start_fake, streams, names):
    fakes = {name: start_fake(BAD[name][0]) for name in names}
    troubles = {name: Trouble(hub, streams) for name, hub in start_hub.several(
        {name: fakes[name].url() for name in names}, **SETTINGS).items()}

    def is_told(name):
        trouble, fake = troubles[name], fakes[name]
        trouble.is_refused((503,))
        trouble.is_said(BAD[name][1])
        trouble.is_said(rf"127\.0\.0\.1:{fake.port}")
        trouble.is_patient(fake.most_connects_in_a_second)

    together({name: name for name in names}, is_told)
    for fake in fakes.values():
        fake.close()
        start_redis(port=fake.port)
    together(troubles, lambda trouble: trouble.is_over())


def test_a_version_that_is_too_old_is_said_with_the_one_that_is_needed(start_hub, start_fake, streams):
    fake = start_fake(fake_redis.is_old)
    line = Trouble(start_hub(fake.url(), **SETTINGS), streams).is_said(r"5\.0\.14")
    assert any(version in line for version in ("6.", "7.")), line


@pytest.mark.limit(180)
def test_a_good_server_that_turns_bad_costs_nothing_that_was_acknowledged(start_hub, start_redis, start_fake, streams):
    names = ["garbage", "never answers", "a huge array", "loading", "cut replies"]
    servers = {name: start_redis(appendonly="yes", appendfsync="always") for name in names}
    troubles = {name: Trouble(hub, streams) for name, hub in start_hub.several(
        {name: servers[name].url() for name in names}, **SETTINGS).items()}

    def works(trouble):
        trouble.is_over()
        for _ in range(3):
            trouble.publish()

    together(troubles, works)
    fakes = {}
    for name, server in servers.items():
        server.stop()
        fakes[name] = start_fake(BAD[name][0], server.port)

    def is_borne(name):
        troubles[name].is_refused((503,))
        troubles[name].is_patient(fakes[name].most_connects_in_a_second)

    together({name: name for name in names}, is_borne)
    for name, server in servers.items():
        fakes[name].close()
        server.start()
    together(troubles, lambda trouble: trouble.is_over())
    told = {name: trouble.stream.gaps for name, trouble in troubles.items() if trouble.stream.gaps}
    assert not told, f"appendfsync always: nobody is told of a loss that was none: {told}"


def test_retries_grow_apart(start_hub, start_fake, streams):
    """Backing off with jitter: fewer connects in each later second, and the links do not march in step."""
    fake = start_fake(fake_redis.closes_at_once)
    Trouble(start_hub(fake.url(), **SETTINGS), streams)
    eventually(lambda: len(fake.accepted) >= 8, "connects")
    first = fake.accepted[0]
    eventually(lambda: fake.accepted[-1] - first > 4, "connects after four seconds")
    early = sum(t - first < 2 for t in fake.accepted)
    late = sum(2 <= t - first < 4 for t in fake.accepted)
    assert late <= early <= 2 * CONNECTS_A_SECOND
