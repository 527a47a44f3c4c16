"""M1, M2, M3, M12: one event to every stream, at a rate or as fast as they are taken."""
import load
from peers import FLOORS, OURS, PEERS, SYSTEMS
from plan import Found, Running, Scenario, Step, found, once

AT_20 = "1,000 streams at 20/s"
AT_50 = "1,000 streams at 50/s"
FULL_1000 = "1,000 streams, saturated"
FULL_10000 = "10,000 streams, saturated"
ALONE = "one stream at 400/s"
NONE_STALLED = "1,000 streams at 50/s, none stalled"
SOME_STALLED = "1,000 streams at 50/s, 1 % stalled"
# Two ways in for both, on one connection and in order; M2 takes the one that is better for each. Gathered: JSON arrays
# of what came due in 10 ms, which both take apart. At once: lines of one NDJSON request, pipelined POSTs where a system
# does not take these.
RATES = (1500, 3000, 6000)
GATHERED = {rate: f"1,000 streams offered {rate:,}/s, in arrays" for rate in RATES}
AT_ONCE = {rate: f"1,000 streams offered {rate:,}/s, at once" for rate in RATES}
IN_ARRAYS = {"array": 64, "array_milliseconds": 10, "pipeline": 4}
ONE_BY_ONE = {OURS: {"batch": 64}, "durable-streams": {"pipeline": 64}}
SATURATED = 0.95


def fan_out(choice, point, system, streams, seconds=3.0, more=None, **document):
    """A step: connect, publish for some seconds, count. `more` finds further figures in the result."""
    def measure():
        with Running(system) as running:
            if more:
                running.warm(choice)
            result = running.load(mode="fanout", streams=choice.number(streams, min(streams, 10)),
                                  seconds=choice.seconds(seconds), warmup_seconds=choice.seconds(0.5),
                                  event_bytes=200, **document)
            one = found(result, load.fan_out_figures(result) | (more(result) if more else {}))
            one.figures["peak_mib"] = running.peak_mib()
            if "outstanding" in document and one.figures.get("server_busy", 1) < SATURATED:
                one.notes.append(f"not the server's maximum: it was {one.figures['server_busy']:.0%} busy")
                one.figures.pop("deliveries_per_s", None)
            return one
    connecting = streams / (500 if system == "pushpin" else 8000)
    return Step(point, system, seconds + 1.2 + connecting, measure)


def within(choice, streams, *systems):
    return [name for name in choice.of(*systems) if SYSTEMS[name].max_streams >= streams]


def m1(choice):
    everybody = (*FLOORS, OURS, *PEERS)
    steps = []
    # Pushpin cannot keep up with more than 20/s; the others are compared where they differ.
    for name in everybody if choice.full() else ("floor", OURS, "pushpin"):
        if name in choice.systems:
            step = fan_out(choice, AT_20, name, 1000, 1.5, rate=20)
            steps.append(once(step) if name == "pushpin" else step)
    able = [name for name in choice.of(*everybody) if name != "pushpin"]
    steps += [fan_out(choice, AT_50, name, 1000, 2.0, rate=50) for name in able]
    steps += [fan_out(choice, FULL_1000, name, 1000, 1.5, outstanding=2) for name in able]
    steps += [fan_out(choice, FULL_10000, name, 10000, 1.5, outstanding=2) for name in choice.of("floor", OURS)]
    if not choice.quick():
        others = [name for name in within(choice, 10000, "floor-uring", *PEERS) if name != "pushpin"]
        steps += [once(fan_out(choice, FULL_10000, name, 10000, 1.5, outstanding=2)) for name in others
                  if choice.full() or name in ("durable-streams", "nchan")]
    return steps


def m2(choice):
    names, steps = choice.of(*ONE_BY_ONE), []
    for rate in (1500,) if choice.quick() else RATES:
        for points, how in ((GATHERED, dict.fromkeys(names, IN_ARRAYS)), (AT_ONCE, ONE_BY_ONE)):
            for name in names:
                step = fan_out(choice, points[rate], name, 1000, 1.5, rate=rate, publish=how[name], drain_seconds=15)
                if rate == RATES[-1]:  # where durable-streams needs long for what it has taken
                    step.seconds += 0 if name == OURS else 9
                    step = once(step)
                steps.append(step)
    return steps


def alone(choice, system):
    return fan_out(choice, ALONE, system, 1, 5.0, rate=400)


def echo(choice):
    def measure():
        with Running("floor-echo") as running:
            result = running.load(mode="echo", streams=1, publish={"body": ""}, seconds=choice.seconds(5.0), rate=400,
                                  event_bytes=200)
            return Found(load.latency(result), raw=result)
    return Step(ALONE, "floor-echo", 5.5, measure)


def m3(choice):
    steps = [fan_out(choice, AT_50, name, 1000, 2.0, rate=50) for name in choice.of(*FLOORS, OURS)]
    if "floor" in choice.systems:
        steps.append(echo(choice))
    return steps + [alone(choice, name) for name in choice.of("floor", OURS)]


def m12(choice):
    names = choice.of(OURS, "nchan") if choice.full() else choice.of(OURS)
    return [fan_out(choice, point, name, 1000, 3.0, rate=50, stalled=choice.number(stalled, min(stalled, 1)))
            for name in names for point, stalled in ((NONE_STALLED, 0), (SOME_STALLED, 10))]


SCENARIOS = (
    Scenario("M1", "CPU per delivery, one event per write", m1),
    Scenario("M2", "events arrive faster than the sweep", m2),
    Scenario("M3", "latency from the intended publish to the receiver", m3),
)
STALLED = (Scenario("M12", "one client in a hundred stops reading", m12),)
