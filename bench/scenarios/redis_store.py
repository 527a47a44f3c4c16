"""M13, M14: a hub on a Redis of the run's own. Redis has the server's core; hub and generator share the other, so that
Redis' own CPU for each event is the figure to compare."""
import json
import subprocess
import threading
import time

import load
import ndjson
from peers import OURS
from peers.ours import Ours
from plan import Found, Scenario, Step, found, once
from processes import Failure, Folder, cpu_seconds, generator_core, server_core
from redis_server import RedisServer

XADD = "publish to Redis"
KILLED = "200 streams at 100/s on Redis, its clients killed"
CONNECTIONS = {streams: f"connections on Redis with {streams:,} streams" for streams in (1, 10_000)}


class RedisHub:
    """A Redis and hubs on it, in a folder that goes with them. `wide` gives all hubs one core, Redis the other."""

    def __init__(self, hubs=1, settings=None):
        self._hubs, self._settings = hubs, settings or {}
        self._folder = Folder("redis")
        self.hubs = []

    def __enter__(self):
        self.folder = self._folder.__enter__()
        try:
            self.redis = RedisServer(self.folder, server_core())
            settings = {"store.url": f'"{self.redis.url}"', **self._settings}
            for number in range(self._hubs):
                self.hubs.append(Ours().start(self.folder, generator_core(), settings, f"hub{number}"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for hub in self.hubs:
            hub.stop()
        if hasattr(self, "redis"):
            self.redis.stop()
        self._folder.__exit__()

    def load(self, hub=0, limit=120, **document):
        server = self.hubs[hub]
        publish = {**server.publish, **document.pop("publish", {})}
        return load.run({**server.document(), "publish": publish, **document}, self.folder, limit)

    def redis_cpu(self):
        return cpu_seconds(self.redis.child.pids())


def bare_xadd(choice):
    def measure():
        path = load.program("floor_xadd")
        if path is None:
            raise Failure("floor_xadd is not built")
        with RedisHub(hubs=0) as world:
            before = world.redis_cpu()
            done = subprocess.run(["taskset", "-c", str(generator_core()), path, "--port", str(world.redis.port),
                                   "--count", str(choice.number(200_000)), "--bytes", "200"], check=False,
                                  capture_output=True, text=True, timeout=60)
            if done.returncode != 0:
                raise Failure(f"floor_xadd: {done.stderr.strip()[-300:]}")
            result = json.loads(done.stdout)
            events = result["events"]
            return Found({"events_per_s": result["events_per_second"],
                          "redis_us_per_event": (world.redis_cpu() - before) * 1e6 / events},
                         {"published": events}, raw=result)
    return Step(XADD, "floor-xadd", 3, measure)


def through_a_hub(choice):
    """As many events as fit in about two seconds, handed in by one NDJSON request; its answers say that each is kept."""
    def measure():
        with RedisHub() as world:
            publish = {"connections": 1, "batch": 2048}
            before = world.redis_cpu()
            result = world.load(mode="publish", streams=1000, seconds=choice.seconds(2.0), event_bytes=200,
                                publish=publish)
            cpu, events = world.redis_cpu() - before, max(1, result["published"])
            rate = result.get("events_per_second") or events / result["seconds"]
            kept = world.redis.ask("DBSIZE")
            return Found({"events_per_s": rate, "redis_us_per_event": cpu * 1e6 / events},
                         {"published": events, "publish_failed": result.get("publish_failed", 0)},
                         [] if kept else ["nothing was kept"], bool(kept), result)
    return Step(XADD, OURS, 4, measure)


def killed(choice):
    """Every second Redis throws out everybody; what receivers miss of what was then answered is lost untold. The
    killing ends with the publishing, so that every publish gets its answer."""
    def measure():
        with RedisHub() as world:
            done, kills = threading.Event(), []

            def killer():
                until = time.monotonic() + choice.seconds(4.0)
                while not done.wait(1.0) and time.monotonic() < until:
                    kills.append(world.redis.ask("CLIENT", "KILL", "TYPE", "pubsub"))
                    kills.append(world.redis.ask("CLIENT", "KILL", "TYPE", "normal"))
            thread = threading.Thread(target=killer, daemon=True)
            thread.start()
            try:
                result = world.load(mode="fanout", streams=choice.number(200), seconds=choice.seconds(4.0),
                                    warmup_seconds=0.3, drain_seconds=20, rate=100, event_bytes=200)
            finally:
                done.set()
                thread.join()
            return _told(result, sum(kills))
    return Step(KILLED, OURS, 8, measure)


def _told(result, kills):
    """A publish that Redis did not answer is told to its publisher, and may have been kept: that is not a loss."""
    one = found(result, {"killed": kills, "lost": result.get("lost", 0)})
    told = [note for note in one.notes if note.startswith(("publish failed", "delivered", "unpublished", "it was told"))]
    one.valid = len(told) == len(one.notes) and not result.get("lost")
    return one


def connections(choice, streams):
    def measure():
        with RedisHub() as world:
            child = load.start({**world.hubs[0].document(), "mode": "idle",
                                "streams": choice.number(streams, min(streams, 10)), "broadcasts": 1,
                                "churn_rounds": 0, "seconds": choice.seconds(2.0), "event_bytes": 200}, world.folder)
            most = 0
            while child.running():
                names = [client.get("name", "") for client in world.redis.clients()]
                most = max(most, sum(name.startswith("tidings-") for name in names))
            result = load.finish(child, 60)
            return found(result, {"connections": most})
    return Step(CONNECTIONS[streams], OURS, 4 + streams / 8000, measure)


def m13(choice):
    steps = [bare_xadd(choice)] if "floor" in choice.systems else []
    return steps + ([through_a_hub(choice), once(killed(choice))] if choice.of(OURS) else [])


def m14(choice):
    return [once(connections(choice, streams)) for streams in CONNECTIONS] if choice.of(OURS) else []


SCENARIOS = (Scenario("M13", "publishes to Redis, with history", m13),
             Scenario("M14", "connections on Redis", m14))
