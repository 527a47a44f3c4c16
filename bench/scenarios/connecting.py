"""M6, M7: a stream that begins, and one that comes back to what it missed."""
import ndjson
from load import latency
from peers import OURS, PEERS, SYSTEMS
from peers.ours import Ours, retention
from plan import Found, Running, Scenario, Step, once
from processes import Failure, Folder, server_core
import load

CONNECT = "connect, authenticate, first byte"
MISSED = 10
LENGTHS = (100, 1_000, 10_000, 100_000, 1_000_000)


def resume_point(store, length):
    return f"resume of 10 from {length:,} in {store}"


def connect(choice, system):
    def measure():
        with Running(system) as running:
            at_once = min(64, SYSTEMS[system].connect_concurrency)
            result = running.load(mode="connect", streams=64, connect_concurrency=at_once, seconds=choice.seconds(1.5))
            cpu = result.get("cpu_us_per_connect")
            figures = {"connects_per_s": result.get("connects_per_second"), "cpu_us_per_connect": cpu,
                       "connects_per_cpu_s": 1e6 / cpu if cpu else None, "server_busy": result["server"].get("busy")}
            good = bool(result.get("connects_per_second"))
            return Found({k: v for k, v in figures.items() if v is not None}, raw=result, valid=good,
                         notes=[] if good else ["no stream began"])
    step = Step(CONNECT, system, 2.3, measure)
    return once(step) if system in PEERS else step


def m6(choice):
    return [connect(choice, name) for name in choice.of("floor", OURS, *PEERS)]


def resumes(choice, store):
    """One step for all lengths, because a log is filled once, from the shorter to the longer."""
    lengths = [length for length in LENGTHS if length <= (10_000 if choice.smoke or choice.quick() else LENGTHS[-1])]

    def measure():
        found, filled = [], 0
        with Folder("resume") as folder:
            settings = {"store.url": '"memory:"' if store == "memory" else f'"lmdb:{folder}/store"',
                        "store.lmdb_map": '"16GiB"', **retention(2 * lengths[-1])}
            server = Ours().start(folder, server_core(), settings)
            try:
                for length in lengths:
                    ids = ndjson.fill(server, length - filled, filled + 1)
                    filled = length
                    if store != "memory":  # so that the log is read, and not what the shard still holds
                        server.stop()
                        server = Ours().start(folder, server_core(), settings)
                    found.append(_resume(choice, server, folder, store, length, ids[-1 - MISSED]))
            finally:
                server.stop()
        return found
    fill = sum(lengths) / (150_000 if store == "memory" else 60_000)
    return Step(resume_point(store, lengths[-1]), OURS, 1.4 * len(lengths) + fill, measure)


def _resume(choice, server, folder, store, length, last_event_id):
    count = choice.number(3000, 100)
    result = load.run({**server.document(), "mode": "resume", "streams": 1, "last_event_id": last_event_id,
                       "expect_events": MISSED, "count": count, "seconds": choice.seconds(5.0)}, folder)
    done = result.get("resumes", count)
    if not done:
        raise Failure("no stream came back")
    cpu = result["server"].get("cpu_us_per_resume") or result["server"]["cpu_seconds"] * 1e6 / done
    figures = {"cpu_us_per_resume": cpu} | _plain_connect(choice, server, folder, cpu)
    return Found(figures | latency(result, "replay_latency_us"), load.counts(result),
                 load.complaints(load.counts(result)), not load.complaints(load.counts(result)), result,
                 resume_point(store, length))


def m7(choice):
    return [resumes(choice, "memory"), once(resumes(choice, "LMDB"))] if choice.of(OURS) else []


def _plain_connect(choice, server, folder, cpu_of_return):
    """A return is a connect and then the resume; what is left of its CPU without the first is the resume's own."""
    plain = load.run({**server.document(), "mode": "connect", "streams": 1, "connect_concurrency": 1,
                      "warmup_seconds": 0.1, "seconds": choice.seconds(0.6)}, folder).get("cpu_us_per_connect")
    if not plain:
        raise Failure("no plain stream began")
    return {"cpu_us_per_connect": plain, "cpu_us_resume_alone": cpu_of_return - plain}


SCENARIOS = (Scenario("M6", "streams that begin", m6), Scenario("M7", "streams that return", m7))
