"""How costs grow: with streams, audiences, retained events, and hubs on one Redis. Also what the plots show."""
import load
from load import memory_figures
from peers import OURS, PEERS, SYSTEMS
from plan import Found, Running, Scenario, Step, found
from scenarios.audiences import targeted
from scenarios.connecting import LENGTHS, resume_point, resumes
from scenarios.fanout import fan_out
from scenarios.redis_store import RedisHub

STREAMS = (100, 300, 1_000, 3_000, 10_000, 19_000)
HUBS = (1, 2, 3)
DELIVERIES = 50_000  # a second, whatever the number of streams: what every system can do


def cost_point(streams):
    return f"growth: delivery, {streams:,} streams"


def audience_point(users):
    return f"growth: delivery, {users:,} audiences"


def publish_point(streams):
    return f"growth: publish, {streams:,} streams"


def hub_point(hubs):
    return f"growth: {hubs} hubs on Redis"


def _publish(choice, streams):
    """One publisher that waits for each answer while others' streams are open: its latency is a second over its rate."""
    def measure():
        with Running(OURS) as running:
            watchers = load.start({**running.server.document(), "mode": "idle", "streams": choice.number(streams),
                                   "seconds": choice.seconds(4.0), "broadcasts": 0, "churn_rounds": 0}, running.folder, "watchers")
            try:
                body = '{"type":"bench.event","user_id":"nobody","data":{payload}}'
                result = running.load(mode="publish", streams=1, seconds=choice.seconds(1.0), event_bytes=200,
                                      publish={"body": body, "connections": 1, "batch": 1})
            finally:
                watchers.stop()
            return Found({"publish_us": result["latency_us"]["p50"], "cpu_us_per_event":
                          result["server"]["cpu_seconds"] * 1e6 / max(1, result["published"])}, raw=result)
    return Step(publish_point(streams), OURS, 5, measure)


def _hubs(choice, hubs):
    """Each hub has the same streams; all get every event, which is published to the first."""
    def measure():
        with RedisHub(hubs) as world:
            document = {"mode": "fanout", "streams": choice.number(300), "seconds": choice.seconds(3.0), "rate": 100,
                        "warmup_seconds": 0.5, "event_bytes": 200}
            watchers = [load.start({**hub.document(), "mode": "idle", "streams": choice.number(300), "seconds": 30,
                                    "broadcasts": 0, "churn_rounds": 0}, world.folder, f"watchers{number}")
                        for number, hub in enumerate(world.hubs[1:])]
            try:
                before = world.redis_cpu()
                result = world.load(**document)
                cpu = world.redis_cpu() - before
            finally:
                for each in watchers:
                    each.stop()
            figures = load.fan_out_figures(result)
            return found(result, figures | {"redis_us_per_event": cpu * 1e6 / max(1, result["published"]),
                                            "redis_us_per_event_and_hub":
                                                cpu * 1e6 / max(1, result["published"]) / hubs})
    return Step(hub_point(hubs), OURS, 6, measure)


def growth(choice):
    steps = []
    for streams in STREAMS:
        for name in choice.of("floor", "floor-uring", OURS, *PEERS):
            if SYSTEMS[name].max_streams < streams:
                continue
            rate = max(1, DELIVERIES // streams)
            if name == "pushpin":
                rate = max(1, 15_000 // streams)
            steps.append(fan_out(choice, cost_point(streams), name, streams, 2.5, memory_figures, rate=rate))
    if choice.of(OURS):
        steps += [targeted(choice, OURS, users, audience_point(users), 2.0) for users in STREAMS]
        steps += [_publish(choice, streams) for streams in STREAMS[:-1]]
        steps += [resumes(choice, "memory")]
        steps += [_hubs(choice, hubs) for hubs in HUBS]
    return steps


def curves():
    """(what, figure, [(amount, point)], system): each a curve whose figure would stay flat at best."""
    yield "CPU per delivery over streams", "cpu_us_per_delivery", [(n, cost_point(n)) for n in STREAMS]
    yield "CPU per delivery over audiences", "cpu_us_per_delivery", [(n, audience_point(n)) for n in STREAMS]
    yield "user memory per stream over streams", "user_bytes_after_broadcast", [(n, cost_point(n)) for n in STREAMS]
    yield "publish latency over streams", "publish_us", [(n, publish_point(n)) for n in STREAMS]
    yield "CPU per resume over retained events", "cpu_us_per_resume", [(n, resume_point("memory", n))
                                                                      for n in LENGTHS]
    yield "Redis' CPU per event and hub over hubs", "redis_us_per_event_and_hub", [(n, hub_point(n)) for n in HUBS]
    yield "CPU per delivery over hubs on Redis", "cpu_us_per_delivery", [(n, hub_point(n)) for n in HUBS]


SCENARIOS = (Scenario("growth", "how costs grow", growth),)
