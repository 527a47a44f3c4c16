import importlib.machinery
import importlib.util
import json
import pathlib

LOADER = importlib.machinery.SourceFileLoader("million", str(pathlib.Path(__file__).with_name("million")))
million = importlib.util.module_from_spec(importlib.util.spec_from_loader("million", LOADER))
LOADER.exec_module(million)


def test_streams_are_shared_among_as_few_hubs_as_hold_them():
    assert million.shares(1_000_000, 18_000) == [18_000] * 55 + [10_000]
    assert million.shares(5, 18_000) == [5]


def test_no_two_hubs_have_the_same_clients():
    every = [address for hub in range(200) for address in million.addresses(hub)]
    assert len(set(every)) == 800
    assert all(0 < int(part) < 255 for address in every for part in address.split("."))


def test_an_event_has_its_size_and_its_stamp():
    text = million.event(3, 12)
    assert len(text) == 200 and json.loads(text)["~"] == "000000000003.0000000000000000012"


def test_the_last_delivery_is_what_the_listener_says():
    log = "connecting\nlistening\nall have 1 at 100\nall have 3 at 300\n"
    assert [million.announced(log, number) for number in (1, 2, 3, 4)] == [100, 300, 300, None]
