"""The goals M1 to M15: which figure of which point, what it must be, what we aim at. Pure."""
import dataclasses
import typing

import measure
from scenarios import audiences, connecting, fanout, memory, publishing, reconnecting, redis_store

LOWER, HIGHER = "at most", "at least"
INFORMATION = "no bound"  # printed beside a goal that it belongs to


@dataclasses.dataclass
class Goal:
    number: str
    what: str
    direction: str
    must: float
    aim: float
    values: typing.Callable     # records -> one value for each run
    unit: str = ""


def single(point, figure, system="ours", scale=1.0):
    def values(records):
        return [value * scale for _, value in sorted(measure.pick(records, point, system, figure).items())]
    return values


def ratio(point, figure, over, under, other_point=None):
    """`over`'s figure over `under`'s, both of one run."""
    def values(records):
        return measure.ratios(measure.pick(records, point, over, figure),
                              measure.pick(records, other_point or point, under, figure))
    return values


def best_ratio(points, figure, over, under):
    """The best of several points for each, of one run."""
    def best(records, system):
        runs = {}
        for point in points:
            for run, value in measure.pick(records, point, system, figure).items():
                runs[run] = max(value, runs.get(run, value))
        return runs
    return lambda records: measure.ratios(best(records, over), best(records, under))


def flatness(points, figure):
    """The greatest over the least of the points, of one run."""
    def values(records):
        runs = {}
        for point in points:
            for run, value in measure.pick(records, point, "ours", figure).items():
                runs.setdefault(run, []).append(value)
        return [max(each) / min(each) for _, each in sorted(runs.items()) if len(each) > 1 and min(each) > 0]
    return values


def greatest(points, figure):
    def values(records):
        runs = {}
        for point in points:
            for run, value in measure.pick(records, point, "ours", figure).items():
                runs[run] = max(value, runs.get(run, value))
        return [value for _, value in sorted(runs.items())]
    return values


def count(point, name, system="ours"):
    return lambda records: [record["counts"][name] for record in records
                            if record["point"] == point and record["system"] == system and name in record["counts"]]


def _fan_out():
    for point in (fanout.AT_20, fanout.AT_50, fanout.FULL_1000, fanout.FULL_10000):
        yield Goal("M1", f"CPU per delivery, floor F0's over ours: {point}", HIGHER, 0.90, 1.15,
                   ratio(point, "cpu_us_per_delivery", "floor", "ours"))
    yield Goal("M2", "deliveries per CPU second when behind, over durable-streams'", HIGHER, 1.2, 2.0,
               best_ratio((*fanout.GATHERED.values(), *fanout.AT_ONCE.values()), "deliveries_per_cpu_s", "ours",
                          "durable-streams"))
    yield Goal("M3", f"p50 over floor F0's: {fanout.AT_50}", LOWER, 1.15, 1.0,
               ratio(fanout.AT_50, "p50_ms", "ours", "floor"))
    yield Goal("M3", f"p99 over floor F0's: {fanout.AT_50}", LOWER, 1.3, 1.0,
               ratio(fanout.AT_50, "p99_ms", "ours", "floor"))
    yield Goal("M3", f"p99 over a bare echo's: {fanout.ALONE}", LOWER, 2.0, 1.3,
               ratio(fanout.ALONE, "p99_ms", "ours", "floor-echo"))


def _streams():
    for mark, what in (("connected", "idle"), ("after_broadcast", "after a broadcast"), ("after_churn", "after churn")):
        yield Goal("M4", f"user memory per stream, {what}", LOWER, 256, 128,
                   single(memory.IDLE, f"user_bytes_{mark}"), "B")
    yield Goal("M5", f"CPU: {memory.HEARTBEATS}", LOWER, 0.5, 0.2, single(memory.HEARTBEATS, "core_percent"), "%")
    yield Goal("M5", "the same over the floor's bare sends", INFORMATION, 0, 0,
               ratio(memory.HEARTBEATS, "core_percent", "ours", "floor"))
    yield Goal("M6", "streams begun per CPU second", HIGHER, 20_000, 40_000,
               single(connecting.CONNECT, "connects_per_cpu_s"))
    for store in ("memory", "LMDB"):
        points = [connecting.resume_point(store, length) for length in connecting.LENGTHS]
        yield Goal("M7", f"server CPU of a resume of 10 missed, {store}, without its connect, the worst length", LOWER,
                   50, 10, greatest(points, "cpu_us_resume_alone"), "µs")
        # Of the whole return: the resume alone is a small difference of two noisy figures.
        yield Goal("M7", f"a return, the worst length over the best, {store}", LOWER, 1.5, 1.2,
                   flatness(points, "cpu_us_per_resume"))
        yield Goal("M7", f"connect and resume together, {store}, the worst length", INFORMATION, 0, 0,
                   greatest(points, "cpu_us_per_resume"), "µs")
    yield Goal("M8", f"time to the last caught up: {reconnecting.STORM}", LOWER, 2.0, 1.0,
               single(reconnecting.STORM, "caught_up_seconds"), "s")
    for name in ("lost", "duplicated"):
        yield Goal("M8", f"{name} there", LOWER, 0, 0, count(reconnecting.STORM, name))
    yield Goal("M9", f"delivered: {reconnecting.CHURN}", HIGHER, 100, 100,
               single(reconnecting.CHURN, "delivered_percent"), "%")
    yield Goal("M9", "replay p99 there", LOWER, 100, 20, single(reconnecting.CHURN, "replay_p99_ms"), "ms")


def _others():
    yield Goal("M10", f"events per CPU second: {audiences.TARGETED}", HIGHER, 150_000, 250_000,
               single(audiences.TARGETED, "deliveries_per_cpu_s"))
    yield Goal("M10", "CPU per event, the floor's one send over ours", INFORMATION, 0, 0,
               ratio(audiences.TARGETED, "cpu_us_per_delivery", "floor", "ours"))
    for point, must, aim in ((publishing.SINGLE, 40_000, 80_000), (publishing.MEMORY, 400_000, 1_000_000),
                             (publishing.PROCESS, 60_000, 150_000), (publishing.DURABLE, 60_000, 150_000)):
        yield Goal("M11", f"events per second: {point}", HIGHER, must, aim, single(point, "events_per_s"))
    yield Goal("M12", "p99 of the others, 1 % stalled over none stalled", LOWER, 1.2, 1.05,
               ratio(fanout.SOME_STALLED, "p99_ms", "ours", "ours", fanout.NONE_STALLED))
    yield Goal("M13", "Redis' CPU per event, bare XADD's over ours (NDJSON through a hub)", HIGHER, 0.25, 0.4,
               ratio(redis_store.XADD, "redis_us_per_event", "floor-xadd", "ours"))
    yield Goal("M13", "events per second over bare XADD's", HIGHER, 0.25, 0.4,
               ratio(redis_store.XADD, "events_per_s", "ours", "floor-xadd"))
    yield Goal("M13", f"lost untold: {redis_store.KILLED}", LOWER, 0, 0, single(redis_store.KILLED, "lost"))
    for point in redis_store.CONNECTIONS.values():
        yield Goal("M14", point, LOWER, 4, 2, single(point, "connections"))


GOALS = (*_fan_out(), *_streams(), *_others())
NOT_MEASURED = {
    "M4 (TLS, HTTP/2)": "the hub has neither yet",
    "M13 (restart, failover)": "counted by the chaos runs, see docs/proof.md",
    "M15": "the hub does not compress yet",
}


def distance(goal, value, bound):
    """How far a value is from a bound, in words."""
    if goal.direction == INFORMATION:
        return ""
    good = value >= bound if goal.direction == HIGHER else value <= bound
    if good:
        return "met"
    if bound == 0:
        return f"missed by {measure.text(value)}"
    return f"missed by {abs(value - bound) / bound:.0%}"


def judge(records):
    """A row for each goal that something was measured for."""
    rows = []
    for goal in GOALS:
        found = measure.summary(goal.values(records))
        if found is None:
            continue
        rows.append({"goal": goal.number, "what": goal.what, "unit": goal.unit, "direction": goal.direction,
                     "must": goal.must, "aim": goal.aim, **found,
                     "must_is": distance(goal, found["median"], goal.must),
                     "aim_is": distance(goal, found["median"], goal.aim)})
    return rows
