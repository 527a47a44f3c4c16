"""M10: many small audiences, each event to one user's only stream. Ours is fed by lines of NDJSON, the floor, which knows
no audience but a table of users, by pipelined POSTs that it answers with one write for each read; both 64 at once."""
import load
from peers import OURS
from plan import Running, Scenario, Step, found

TARGETED = "19,000 users, one stream each, random users"


def targeted(choice, system, streams, point, seconds=2.0, batch=64):
    def measure():
        with Running(system, users=True) as running:
            publish = {"batch": batch} if system == OURS else {"pipeline": batch}
            result = running.load(mode="targeted", streams=choice.number(streams),
                                  seconds=choice.seconds(seconds), warmup_seconds=0.3, event_bytes=200, publish=publish,
                                  outstanding=1024)
            return found(result, load.fan_out_figures(result))
    return Step(point, system, seconds + 2 + streams / 8000, measure)


def m10(choice):
    names = choice.of("floor", OURS, "nchan") if choice.full() else choice.of("floor", OURS)
    return [targeted(choice, name, 19000, TARGETED) for name in names]


SCENARIOS = (Scenario("M10", "many small audiences", m10),)
