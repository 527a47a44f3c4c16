"""M4, M5: what an idle stream costs, in memory and in CPU."""
import load
from peers import OURS, PEERS, SYSTEMS
from plan import Running, Scenario, Step, found, once

IDLE = "idle streams"
HEARTBEATS = "19,000 idle streams, heartbeats every 15 s"


def idle(choice, system, streams, churn):
    def measure():
        with Running(system) as running:
            running.warm(choice)
            result = running.load(mode="idle", streams=choice.number(streams),
                                  seconds=choice.seconds(0.5), broadcasts=3, churn_rounds=churn, event_bytes=200)
            return found(result, load.memory_figures(result) | {"streams": choice.number(streams)})
    each = 0.002 if system == "pushpin" else 0.0001
    return Step(IDLE, system, 2 + streams * each * (1 + churn), measure)


def m4(choice):
    steps = []
    for name in choice.of("floor", OURS, *PEERS):
        streams = 10000 if name in (OURS, "floor") else min(2000, SYSTEMS[name].max_streams)
        churn = {OURS: 10, "pushpin": 0, "floor": 0}.get(name, 0 if choice.quick() else 2)
        steps.append(once(idle(choice, name, streams, churn)))
    return steps


def heartbeats(choice, system):
    """One whole period, so that every stream gets its one heartbeat; the floor's is one `send` to each, spread as evenly."""
    def measure():
        seconds = 1 if choice.smoke else 15
        options = {"settings": {"delivery.heartbeat": f'"{seconds}s"'}} if system == OURS else {"heartbeat": seconds}
        with Running(system, **options) as running:
            result = running.load(mode="idle", streams=choice.number(19000), seconds=float(seconds), broadcasts=0,
                                  churn_rounds=0)
            return found(result, {"core_percent": result["server"]["busy"] * 100})
    return Step(HEARTBEATS, system, 19, measure)


def m5(choice):
    steps = [heartbeats(choice, name) for name in choice.of("floor", OURS)]
    return [once(step) if step.system == "floor" else step for step in steps]


SCENARIOS = (Scenario("M4", "user memory per stream", m4), Scenario("M5", "CPU of idle streams", m5))
