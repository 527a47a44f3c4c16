"""M11: publishes over HTTP, to users without a stream, so that nothing but the way in is paid."""
from peers import OURS
from peers.ours import TO_USER
from plan import Found, Running, Scenario, Step

SINGLE = "single POSTs on 32 connections"
MEMORY = "NDJSON, memory"
PROCESS = "NDJSON, LMDB, survives kill -9"
DURABLE = "NDJSON, LMDB, survives power loss"
STORES = {SINGLE: {}, MEMORY: {},
          PROCESS: {"store.durability": '"process"'}, DURABLE: {"store.durability": '"sync"'}}


def publishing(choice, point, seconds=1.5):
    """`store/` inside the run's folder is where LMDB goes; a relative name is under the working directory."""
    def measure():
        settings = dict(STORES[point])
        if "LMDB" in point:
            settings |= {"store.url": '"lmdb:store"', "store.lmdb_map": '"16GiB"'}
        with Running(OURS, settings=settings) as running:
            if point == SINGLE:
                publish = {"body": TO_USER, "connections": 32, "batch": 1}
            else:
                publish = {"body": TO_USER, "connections": 1, "batch": 2048}
            result = running.load(mode="publish", streams=1000, seconds=choice.seconds(seconds), event_bytes=200,
                                  publish=publish)
            rate = result.get("events_per_second") or result["published"] / result["seconds"]
            figures = {"events_per_s": rate, "server_busy": result["server"].get("busy")}
            figures["cpu_us_per_event"] = result["server"]["cpu_seconds"] * 1e6 / max(1, result["published"])
            figures["events_per_cpu_s"] = 1e6 / figures["cpu_us_per_event"] if figures["cpu_us_per_event"] else 0
            failed = result.get("publish_failed", 0)
            return Found(figures, {"published": result["published"], "publish_failed": failed},
                         [f"{failed} publishes failed"] if failed else [], not failed, result)
    return Step(point, OURS, seconds + 1, measure)


def m11(choice):
    return [publishing(choice, point) for point in STORES] if choice.of(OURS) else []


SCENARIOS = (Scenario("M11", "publishes over HTTP", m11),)
