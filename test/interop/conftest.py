"""Fixtures: real Redis servers, real hubs, strict clients; a watchdog for each test; hubs must outlive their test.

    tools/test interop                                                     all of it, beside the other tests' totals
    TIDINGS_BIN=build/release/tidings /usr/bin/python3 -m pytest -q test/interop -k D5

The original's modules (original_*.py) are written from the contract's text alone and share no code with the hub.
"""
import faulthandler
import os
import random
import signal
import traceback

import pytest

import hub as hub_module
from hub import Hub
from redis_server import RedisServer
from streams import StreamPump

LONG = os.environ.get("TIDINGS_TEST_LONG") == "1"
LIMIT = 90  # seconds for one test, unless it says @pytest.mark.limit(n)


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): how long this test may take")
    config.real_stderr = os.dup(2)  # during a test descriptor 2 leads to what pytest captures


class TookTooLong(BaseException):
    """No Exception, so that no test swallows it."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """A test that hangs is interrupted with its stack; if even that does not help, the process ends."""
    marker = item.get_closest_marker("limit")
    seconds = marker.args[0] if marker else LIMIT

    def interrupt(_signal, frame):
        stack = "".join(traceback.format_stack(frame)[-6:])
        raise TookTooLong(f"{item.nodeid} took more than {seconds} s, at\n{stack}")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(seconds + 60, exit=True, file=item.config.real_stderr)
    yield
    faulthandler.cancel_dump_traceback_later()
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call":
        item.failed = report.failed


@pytest.fixture
def seed():
    """Printed, and settable by TIDINGS_TEST_SEED."""
    value = int(os.environ.get("TIDINGS_TEST_SEED", random.SystemRandom().randrange(1, 2**31)))
    print(f"seed {value}: repeat with TIDINGS_TEST_SEED={value}")
    return value


@pytest.fixture
def start_redis(tmp_path):
    """A factory of servers; the settings are redis-server's."""
    servers = []

    def start(port=None, **settings):
        server = RedisServer(tmp_path / f"redis{len(servers)}", port, **settings)
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def redis_server(start_redis):
    return start_redis()


@pytest.fixture
def client(redis_server):
    """A client of the one server that most tests need; bytes, as the original's production has them."""
    return redis_server.client()


@pytest.fixture
def start_any_hub(request, tmp_path):
    """A factory of hubs on any store. Each must still run at the end of its test unless the test ended it."""
    hubs = []

    def launch(url, **settings):
        hub = Hub(tmp_path / f"hub{len(hubs)}", url, {name.replace("__", "."): v for name, v in settings.items()})
        hubs.append(hub)
        return hub.launch()

    def start(url, **settings):
        return launch(url, **settings).started()

    def several(urls, **settings):
        """One hub for each of the named URLs; they wait for their stores at the same time."""
        launched = {name: launch(url, **settings) for name, url in urls.items()}
        return {name: hub.started() for name, hub in launched.items()}

    start.several = several
    yield start
    died = [hub for hub in hubs if hub.process and not hub.is_running() and not hub.ended_by_test]
    for hub in hubs:
        hub.close()
    if died or getattr(request.node, "failed", False):
        for number, hub in enumerate(hubs):
            print(f"---- log of hub {number}:\n{hub.log()[-20_000:]}")
    assert not died, f"{len(died)} hubs died: {[hub.process.returncode for hub in died]}"


@pytest.fixture
def start_hub(start_any_hub):
    """The same for a hub on Redis, with settings as store__foreign_producers="live"."""
    why_not = hub_module.store_is_known("redis://127.0.0.1:1/0")
    if why_not is not None:
        pytest.skip("this hub has no Redis store")
    return start_any_hub


@pytest.fixture
def redis_hub(start_hub, redis_server):
    """One hub on the one server, beside producers that retain and readers of the original."""
    return start_hub(redis_server.url(), store__foreign_producers="retained", store__foreign_consumers=True)


@pytest.fixture
def streams():
    """Opens streams; at the end none may have broken the wire's form."""
    pump = StreamPump()
    yield pump
    pump.close()
    assert not pump.violations()
