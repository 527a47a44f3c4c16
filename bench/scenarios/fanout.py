"""M1, M2, M3, M12: one event to every stream, at a rate or as fast as they are taken."""
import load
from peers import FLOORS, OURS, PEERS, SYSTEMS
from plan import Found, Running, Scenario, Step, found

AT_20 = "1,000 streams at 20/s"
AT_50 = "1,000 streams at 50/s"
FULL_1000 = "1,000 streams, saturated"
FULL_10000 = "10,000 streams, saturated"
ALONE = "one stream at 100/s"
NONE_STALLED = "1,000 streams at 50/s, none stalled"
SOME_STALLED = "1,000 streams at 50/s, 1 % stalled"
BEHIND = {rate: f"1,000 streams offered {rate:,}/s" for rate in (1500, 3000, 6000)}
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
    for point, streams, rate in ((AT_20, 1000, 20), (AT_50, 1000, 50)):
        for name in within(choice, streams, *everybody):
            if name == "pushpin" and rate > 20:
                continue  # it cannot keep up
            steps.append(fan_out(choice, point, name, streams, 2.0, rate=rate))
    for point, streams in ((FULL_1000, 1000), (FULL_10000, 10000)):
        for name in within(choice, streams, *everybody):
            if choice.quick() and streams > 1000 and name in PEERS or name == "pushpin":
                continue
            steps.append(fan_out(choice, point, name, streams, 2.0, outstanding=2))
    return steps


def m2(choice):
    rates = (1500,) if choice.quick() else (1500, 3000, 6000)
    # Each by its own way to hand in many events on one connection, in order.
    how = {OURS: {"batch": 64}, "durable-streams": {"pipeline": 64}}
    return [fan_out(choice, BEHIND[rate], name, 1000, 3.0, rate=rate, publish=how[name])
            for rate in rates for name in choice.of(OURS, "durable-streams")]


def alone(choice, system):
    return fan_out(choice, ALONE, system, 1, 3.0, rate=100)


def echo(choice):
    def measure():
        with Running("floor-echo") as running:
            result = running.load(mode="echo", streams=1, publish={"body": ""}, seconds=choice.seconds(3.0), rate=100, event_bytes=200)
            return Found(load.latency(result), raw=result)
    return Step(ALONE, "floor-echo", 4, measure)


def m3(choice):
    steps = [fan_out(choice, AT_50, name, 1000, 2.0, rate=50) for name in choice.of(*FLOORS, OURS)]
    if "floor" in choice.systems:
        steps.append(echo(choice))
    return steps + [alone(choice, name) for name in choice.of("floor", OURS)]


def m12(choice):
    names = choice.of(OURS, "nchan") if choice.full() else choice.of(OURS)
    return [fan_out(choice, point, name, 1000, 4.0, rate=50, stalled=choice.number(stalled, min(stalled, 1)))
            for name in names for point, stalled in ((NONE_STALLED, 0), (SOME_STALLED, 10))]


SCENARIOS = (
    Scenario("M1", "CPU per delivery, one event per write", m1),
    Scenario("M2", "events arrive faster than the sweep", m2),
    Scenario("M3", "latency from the intended publish to the receiver", m3),
)
STALLED = (Scenario("M12", "one client in a hundred stops reading", m12),)
