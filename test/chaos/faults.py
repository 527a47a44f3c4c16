"""What is done to the hubs and their Redis. Each fault is a coroutine of one world; the run's seed draws them.

A fault returns when its cause is gone (the server is back, the proxy open), not when the hubs are over it. It says
what it does to the end of a term (history.py: KEEPS, REPORTS, OPEN) and which hubs it took away.
"""
import asyncio

from history import KEEPS, OPEN, REPORTS, Fault
from proxy import BLACKHOLE, CUT, DEAF, STALL
from resp import FAILURES

FAULTS = {}


def fault(kind, seal=KEEPS):
    def add(function):
        FAULTS[kind] = (function, seal)
        return function
    return add


class Outcome:
    """What a fault adds to its record."""

    def __init__(self, note="", hubs=(), seal=None):
        self.note = note
        self.hubs = tuple(hubs)
        self.seal = seal


async def run_fault(world, kind):
    """Does it, writes it down. A driver's failure in the middle is a problem of the run, not a silent end."""
    function, seal = FAULTS[kind]
    record = Fault(kind, world.now(), float("inf"), seal)
    world.faults.append(record)
    try:
        outcome = await function(world, world.fault_random) or Outcome()
        record.note, record.hubs = outcome.note, outcome.hubs
        record.seal = outcome.seal or record.seal
    except FAILURES as error:
        record.note = f"half done: {type(error).__name__} {error}"
    except RuntimeError as error:
        world.problem(f"the fault {kind} failed: {error}")
    finally:
        record.ended = world.now()
        world.say(f"fault {record.began:7.2f}-{record.ended:.2f} s  {kind}  {record.note}")


async def _pause(random, low, high):
    await asyncio.sleep(random.uniform(low, high))


async def _node(world):
    return await world.current_master()


# ---- hubs

@fault("kill -9 a hub")
async def kill_hub(world, random):
    hub = random.choice(world.hubs)
    await hub.kill()
    await _pause(random, 0.0, 1.0)
    await hub.start()
    return Outcome(hub.name, [hub.name])


@fault("kill -9 the hub of a store in memory", OPEN)
async def kill_memory_hub(world, random):
    return await kill_hub(world, random)


@fault("kill -9 all hubs")
async def kill_all_hubs(world, random):
    for hub in world.hubs:
        await hub.kill()
    await _pause(random, 0.0, 0.5)
    await asyncio.gather(*(hub.start() for hub in world.hubs))
    return Outcome(hubs=[hub.name for hub in world.hubs])


@fault("a hub is drained and replaced")
async def drain_hub(world, random):
    hub = random.choice(world.hubs)
    await hub.terminate()
    await hub.start()
    return Outcome(hub.name, [hub.name])


@fault("a hub is paused")
async def pause_hub(world, random):
    hub = random.choice(world.hubs)
    hub.process.pause()
    await _pause(random, 0.3, 4.0)
    hub.process.resume()
    return Outcome(hub.name, [hub.name])


# ---- links, seen from Redis

async def _kill_clients(world, *words):
    node = await _node(world)
    return f"{await node.call('CLIENT', 'KILL', *words)} connections"


@fault("CLIENT KILL pubsub")
async def kill_pubsub(world, random):
    return Outcome(await _kill_clients(world, "TYPE", "pubsub"))


@fault("CLIENT KILL normal")
async def kill_normal(world, random):
    return Outcome(await _kill_clients(world, "TYPE", "normal", "SKIPME", "yes"))


@fault("CLIENT KILL one link")
async def kill_one(world, random):
    node = await _node(world)
    clients = await node.hub_clients()
    if not clients:
        return Outcome("no hub is connected")
    client = random.choice(sorted(clients, key=lambda c: (c["name"], int(c["id"]))))
    await node.call("CLIENT", "KILL", "ID", client["id"])
    return Outcome(f"{client['name']} (last command {client.get('cmd')})")


@fault("CLIENT KILL again and again")
async def kill_often(world, random):
    for _ in range(random.randint(3, 8)):
        await _kill_clients(world, "TYPE", random.choice(("pubsub", "normal")), "SKIPME", "yes")
        await _pause(random, 0.02, 0.3)


@fault("DEBUG SLEEP")
async def debug_sleep(world, random):
    seconds = round(random.uniform(0.2, 2.5), 2)
    node = await _node(world)
    await node.call("DEBUG", "SLEEP", seconds, seconds=seconds + 3)
    return Outcome(f"{seconds} s")


@fault("CLIENT PAUSE")
async def client_pause(world, random):
    ms = random.randint(200, 1500)
    node = await _node(world)
    await node.call("CLIENT", "PAUSE", ms, random.choice(("ALL", "WRITE")))
    await asyncio.sleep(ms / 1000)
    return Outcome(f"{ms} ms")


@fault("tiny output buffers")
async def tiny_buffers(world, random):
    """The subscriber's link stalls while the limit is tiny, so that the server ends it."""
    node = await _node(world)
    before = node.disconnections_by_output_limit()
    await node.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 64kb 32kb 1")
    hub = random.choice(world.hubs)
    try:
        node.front.set_rule(hub.name, STALL)
        await _pause(random, 1.5, 3.0)
    finally:
        node.front.heal()
        await _pause(random, 0.2, 0.6)
        await node.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")
    return Outcome(f"{hub.name}, {node.disconnections_by_output_limit() - before} ended by the server")


# ---- links, seen from the network

async def _rule(world, random, rule, low, high):
    node = await _node(world)
    hubs = random.sample(world.hubs, random.choice((1, 1, 2, len(world.hubs))) if len(world.hubs) > 1 else 1)
    try:
        for hub in hubs:
            node.front.set_rule(hub.name, rule)
        await _pause(random, low, high)
    finally:
        node.front.heal()
    names = sorted(hub.name for hub in hubs)
    return Outcome(", ".join(names), names)


@fault("cut between hub and Redis")
async def cut(world, random):
    return await _rule(world, random, CUT, 0.1, 2.0)


@fault("stall between hub and Redis")
async def stall(world, random):
    return await _rule(world, random, STALL, 0.2, 3.0)


@fault("answers of Redis are lost")
async def deaf(world, random):
    return await _rule(world, random, DEAF, 0.2, 2.5)


@fault("blackhole between hub and Redis")
async def blackhole(world, random):
    return await _rule(world, random, BLACKHOLE, 0.2, 2.5)


@fault("one link stalls")
async def stall_one(world, random):
    """A single connection of a hub, perhaps its subscriber's, stands still or loses what comes; others go on."""
    node = await _node(world)
    links = sorted((link for link in node.front.links if link.owner.startswith("hub")),
                   key=lambda link: (link.owner, link.client[1].get_extra_info("peername") or ()))
    if not links:
        return Outcome("no hub is connected")
    link = random.choice(links)
    rule = random.choice((STALL, DEAF, BLACKHOLE))
    link.set_rule(rule)
    await _pause(random, 0.3, 3.0)
    link.set_rule("open")
    return Outcome(f"{link.owner}: {rule}", [link.owner])


# ---- one server

async def _kill_and_restart(world, random, between=None):
    node = await _node(world)
    await node.process.kill()
    note = between(node) if between else ""
    await _pause(random, 0.0, 1.2)
    await node.start()
    return note


@fault("kill -9 Redis, AOF always", KEEPS)
async def restart_always(world, random):
    await _kill_and_restart(world, random)


@fault("kill -9 Redis, AOF everysec", REPORTS)
async def restart_everysec(world, random):
    await _kill_and_restart(world, random)


@fault("kill -9 Redis, the file's tail is lost", REPORTS)
async def restart_torn(world, random):
    count = random.choice((1, 50, 500, 5000, 50000))
    torn = await _kill_and_restart(world, random, lambda node: node.tear_tail(count))
    return Outcome(f"{torn} bytes")


@fault("kill -9 Redis, an older dump", REPORTS)
async def restart_rdb(world, random):
    await _kill_and_restart(world, random)


@fault("save a dump")
async def save(world, random):
    node = await _node(world)
    await node.call("SAVE", seconds=10)


@fault("FLUSHALL", OPEN)
async def flush_all(world, random):
    node = await _node(world)
    await node.call("FLUSHALL")


@fault("scripts are forgotten")
async def flush_scripts(world, random):
    node = await _node(world)
    await node.call("SCRIPT", "FLUSH")


@fault("the server's clock steps")
async def clock_step(world, random):
    ms = random.choice((-1, 1)) * random.choice((1, 30, 700, 5000, 20000, 45000))
    world.clock.set(ms)
    await _pause(random, 0.3, 1.5)
    if random.random() < 0.5:
        world.clock.set(0)
        return Outcome(f"by {ms} ms and back")
    return Outcome(f"to {ms} ms off")


# ---- Sentinel

async def _after_failover(world, random, old, new):
    """The old master joins as a replica: by the sentinels in their time, or at once by an operator."""
    if new is None:
        return "no failover came"
    if random.random() < 0.6:
        try:
            await old.call("REPLICAOF", "127.0.0.1", new.front.port)
            return f"{old.name} -> {new.name}, demoted at once"
        except FAILURES:
            pass
    return f"{old.name} -> {new.name}, demoted by the sentinels"


@fault("the master is killed", REPORTS)
async def master_killed(world, random):
    old = await _node(world)
    await old.process.kill()
    new = await world.sentinels.new_master(old)
    await _pause(random, 0.0, 1.0)
    await old.start()
    return Outcome(await _after_failover(world, random, old, new))


@fault("the master is paused and comes back", REPORTS)
async def master_paused(world, random):
    old = await _node(world)
    old.process.pause()
    try:
        new = await world.sentinels.new_master(old)
        await _pause(random, 0.0, 1.0)
    finally:
        old.process.resume()
    return Outcome(await _after_failover(world, random, old, new))


@fault("the master is isolated with a hub", REPORTS)
async def master_isolated(world, random):
    """Sentinels, replicas and other hubs lose the old master; one hub sees only it, and not the sentinels."""
    old = await _node(world)
    hub = random.choice(world.hubs)
    try:
        for front in world.sentinels.fronts:
            front.set_rule(hub.name, CUT)
        for node in world.nodes:
            if node is not old:
                node.front.set_rule(hub.name, CUT)
        old.front.isolate([hub.name])
        new = await world.sentinels.new_master(old)
        await _pause(random, 0.5, 2.5)
    finally:
        for front in world.sentinels.fronts:
            front.heal()
        for node in world.nodes:
            node.front.heal()
    return Outcome(f"{hub.name}; " + await _after_failover(world, random, old, new), [hub.name])


@fault("the operator asks for a failover", REPORTS)
async def failover_asked(world, random):
    old = await _node(world)
    await world.sentinels.ask_failover()
    new = await world.sentinels.new_master(old)
    return Outcome(f"{old.name} -> {new.name if new else 'nobody'}")
