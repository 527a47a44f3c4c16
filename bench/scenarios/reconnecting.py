"""M8, M9: everybody is cut at once, and everybody is cut all the time, while events go on."""
import load
from peers import OURS, SYSTEMS
from plan import Running, Scenario, Step, found, once

STORM = "19,000 streams dropped at once, at 4/s"
CHURN = "5,000 streams dropped every 15 s for 2 s, at 10/s"
HISTORY = "bolt"  # Mercure keeps no history in its local transport; the others do not look at this


def storm(choice, system, streams):
    def measure():
        with Running(system, transport=HISTORY) as running:
            result = running.load(mode="storm", streams=choice.number(streams), rate=4,
                                  warmup_seconds=0.5, seconds=choice.seconds(1.5), drain_seconds=30, event_bytes=200)
            figures = {name: result[name] for name in ("caught_up_seconds", "cpu_us_per_connect") if name in result}
            return found(result, figures | load.latency(result, "replay_latency_us", "replay_"))
    return Step(STORM, system, 6 + streams / (3000 if system == "mercure" else 8000) * 2, measure)


def churn(choice, system):
    def measure():
        every, offline = (1.5, 0.3) if choice.smoke else (15.0, 2.0)
        with Running(system, transport=HISTORY) as running:
            result = running.load(mode="churn", streams=choice.number(5000), rate=10,
                                  every_seconds=every, offline_seconds=offline, event_bytes=200, warmup_seconds=0.5,
                                  seconds=2.0 if choice.smoke else 16.0)
            figures = load.latency(result, "replay_latency_us", "replay_")
            if result.get("expected"):
                figures["delivered_percent"] = 100 * result["delivered"] / result["expected"]
            return found(result, figures)
    return Step(CHURN, system, 22, measure)


def with_ids(choice, *systems):
    return [name for name in choice.of(*systems) if SYSTEMS[name].has_ids]


def m8(choice):
    peers = () if choice.quick() else ("nchan", "mercure")
    steps = [storm(choice, name, 19000) for name in with_ids(choice, OURS, *peers)]
    return [step if step.system == OURS else once(step) for step in steps]


def m9(choice):
    peers = ("nchan", "mercure") if choice.full() else ()
    return [once(churn(choice, name)) for name in with_ids(choice, OURS, *peers)]


SCENARIOS = (Scenario("M8", "all clients dropped at once", m8), Scenario("M9", "all clients dropped in turn", m9))
