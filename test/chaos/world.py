"""One run of one scenario: starts everything, lets the faults loose, heals, waits for the last events, checks."""
import asyncio
import json
import random
import tempfile
import time

import checker
from faults import run_fault
from history import History
from hubs import Hub
from positions import parse
from processes import eventually
from proxy import Owners
from publishers import Publishers
from readers import auditors, crowd
from resp import FAILURES
from servers import MASTER, Clock, RedisNode, Sentinels, stored_events

LIVE_WITHIN = 25.0
DRAIN_WITHIN = 45.0


class World:
    def __init__(self, scenario, seed, options):
        self.scenario = scenario
        self.seed = seed
        self.options = options
        self.events = {}
        self.faults = []
        self.problems = []
        self.users = [f"u{i + 1}" for i in range(6)]
        self.topics = [f"t{i + 1}" for i in range(3)]
        self.hubs, self.nodes, self.readers = [], [], []
        self.sentinels = self.clock = None
        self.settling = False   # readers stay
        self.over = False       # readers end
        self.took = {}
        self._started = time.monotonic()
        self._owners = Owners()
        self._folder = tempfile.TemporaryDirectory(prefix="tidings-chaos-")
        self.fault_random = self.random_for("faults")

    # ---- what the parts ask

    def now(self):
        return time.monotonic() - self._started

    def random_for(self, name):
        return random.Random(f"{self.seed}/{self.scenario.name}/{name}")

    def any_hub(self, random_):
        up = [hub for hub in self.hubs if hub.up]
        return random_.choice(up) if up else None

    def problem(self, text):
        text = f"{self.now():.3f} s: {text}"
        if len(self.problems) < 100:
            self.problems.append(text)
        self.say(f"problem: {text}")

    def say(self, text):
        if self.options.verbose:
            print(f"    {text}", flush=True)

    async def current_master(self):
        if self.sentinels is None:
            return self.nodes[0]
        return await self.sentinels.master() or self.nodes[0]

    # ---- the run

    async def run(self):
        """(history, verdict)"""
        tasks = []
        try:
            await self._start()
            self.readers = crowd(self, self.options.readers)
            tasks = [asyncio.ensure_future(reader.run()) for reader in self.readers]
            await self._until("everybody is live", LIVE_WITHIN, lambda: all(r.live for r in self.readers))
            publishers = Publishers(self, self.options.publishers, self.options.rate)
            publishers.start()
            await self._faults()
            await self._heal()
            await publishers.finish(30.0)
            await self._settle(publishers)
            auditing = await self._audit(tasks)
            kept = await self._kept(auditing)
            self._look_for_deaths()
            self._end(tasks)
            for task in tasks:
                if task.done() and not task.cancelled() and task.exception():
                    raise task.exception()
            scenario = self.scenario
            history = History(self.events, [r.log for r in self.readers + auditing], self.faults, kept,
                              scenario.numbers_rise, scenario.lossless, scenario.reports_seal, self.problems)
            self.publishers = publishers
            return history, checker.check(history)
        finally:
            self._end(tasks)
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop()

    def _end(self, tasks):
        self.over = True
        for task in tasks:
            task.cancel()

    async def _until(self, what, seconds, condition):
        began = self.now()
        if not await eventually(condition, seconds):
            late = [r.log.name for r in self.readers if not (r.done if self.settling else r.live)]
            self.problem(f"not in {seconds:.0f} s: {what}; waiting for {', '.join(late[:10])}")
        self.took[what] = self.now() - began

    # ---- phases

    async def _start(self):
        scenario, folder = self.scenario, self._folder.name
        settings = {}
        if scenario.store in ("redis", "sentinel"):
            await self._start_redis(folder)
            settings = {"store.redis_fsync": '"ask"', "store.foreign_producers": '"none"',
                        "store.wait_replicas": str(scenario.wait_replicas)}
        else:
            for kind in ("user", "broadcast", "topic"):
                settings[f"store.retention.{kind}.bytes"] = '"1GiB"'
        for index in range(scenario.hubs):
            name = f"hub {index + 1}"
            hub = Hub(name, folder, self._owners, self.options.bin,
                      {**settings, "store.url": f'"{self._store_url(name)}"'}, self.options.hub_environment)
            self.hubs.append(hub)
        await asyncio.gather(*(hub.start() for hub in self.hubs))

    async def _start_redis(self, folder):
        scenario = self.scenario
        if scenario.clock:
            self.clock = Clock(folder)
        count = 3 if scenario.store == "sentinel" else 1
        for index in range(count):
            node = RedisNode(f"redis {index + 1}", folder, self._owners, scenario.durability, self.clock)
            self.nodes.append(node)
            if index:
                node.replica_of = self.nodes[0].front.port
            await node.start()
        if scenario.store == "sentinel":
            self.sentinels = Sentinels(folder, self._owners, self.nodes)
            await self.sentinels.start()
            if not await self.sentinels.settled():
                raise RuntimeError("the replicas do not come into sync")
        elif scenario.durability == "rdb":
            await self.nodes[0].call("SAVE")

    def _store_url(self, name):
        scenario = self.scenario
        if scenario.store == "memory":
            return "memory:"
        if scenario.store == "lmdb":
            return f"lmdb:{self._folder.name}/store-of-{name.replace(' ', '-')}"
        if scenario.store == "redis":
            return f"redis://127.0.0.1:{self.nodes[0].front.port}"
        hosts = ",".join(f"127.0.0.1:{front.port}" for front in self.sentinels.fronts)
        return f"redis+sentinel://{hosts}/{MASTER}"

    async def _faults(self):
        kinds, weights = list(self.scenario.faults), list(self.scenario.faults.values())
        seconds = max(self.options.seconds, self.scenario.least)
        began, until = self.now(), self.now() + seconds
        await asyncio.sleep(min(1.0, seconds / 4))
        remaining = self.random_for("kinds")
        first = self.scenario.first
        while self.now() < until:
            kind = remaining.choice(first) if first else remaining.choices(kinds, weights)[0]
            first = ()
            if self.sentinels is not None and "master" in kind and not await self.sentinels.settled(20.0):
                self.problem("the replicas did not come into sync again")
            await self._one_or_two(kind, remaining)
            self._look_for_deaths()
            await asyncio.sleep(min(remaining.uniform(*self.scenario.calm), max(0.0, until - self.now())))
        self.took["faults"] = self.now() - began

    async def _one_or_two(self, kind, random_):
        """Now and then a second fault comes while the first is on."""
        together = [other for other in self.scenario.together if other in self.scenario.faults]
        parts = [run_fault(self, kind)]
        if together and kind not in together and "hub is" not in kind and random_.random() < 0.25:
            async def second(other, delay):
                await asyncio.sleep(delay)
                await run_fault(self, other)
            parts.append(second(random_.choice(together), random_.uniform(0.0, 1.0)))
        await asyncio.gather(*parts)

    async def _heal(self):
        """All processes run, all proxies are open; the hubs are left to find that out."""
        if self.clock:
            self.clock.set(0)
        for front in [node.front for node in self.nodes] + (self.sentinels.fronts if self.sentinels else []):
            front.heal()
        for process in [node.process for node in self.nodes] + [hub.process for hub in self.hubs]:
            process.resume()
        for node in self.nodes:
            if not node.process.running():
                await node.start()
        for hub in self.hubs:
            if not hub.up:
                await hub.start()
        if self.sentinels and not await self.sentinels.settled(25.0, replicas=1):
            self.problem("no master with a replica in sync after the faults")

    async def _settle(self, publishers):
        """Sentinels, round after round, until every reader has seen one: a gap may take a whole round away."""
        self.settling = True
        began = self.now()
        round_ = 0
        while self.now() - began < DRAIN_WITHIN and not all(r.done for r in self.readers):
            await publishers.sentinels(round_)
            round_ += 1
            await eventually(lambda: all(r.done for r in self.readers), 3.0)
        self.took["drain"] = self.now() - began

    async def _audit(self, tasks):
        """Reads everything that is retained through a hub."""
        found = auditors(self)
        tasks += [asyncio.ensure_future(auditor.run()) for auditor in found]
        if not await eventually(lambda: all(a.live for a in found), 15.0):
            self.problem("an auditor did not become live")
        return found

    async def _kept(self, auditing):
        """id -> (n, audience) of what the store holds: asked of Redis itself, else as the auditors read it."""
        kept = {}
        if self.nodes:
            node = await self.current_master()
            try:
                for audience, id_, data in await stored_events(node):
                    if parse(id_) is None:
                        self.problem(f"the log of {audience} holds an event with the id {id_!r}")
                    kept[id_] = (json.loads(data)["n"], audience)
            except (*FAILURES, ValueError, KeyError) as error:
                self.problem(f"the logs of Redis cannot be read: {type(error).__name__} {error}")
                return None
            return kept
        for auditor in auditing:
            for record in auditor.log.records:
                logical = self.events.get(record.n)
                audience = logical and auditor.log.wants(logical)
                if record.what == "event" and audience:
                    kept[record.id] = (record.n, audience)
        return kept if all(auditor.live for auditor in auditing) else None

    def _look_for_deaths(self):
        processes = [hub.process for hub in self.hubs] + [node.process for node in self.nodes]
        for process in processes + (self.sentinels.processes if self.sentinels else []):
            death = process.died()
            if death:
                process.wanted = False
                self.problem(death)

    async def _stop(self):
        for hub in self.hubs:
            hub.process.kill_now()
        if self.sentinels:
            await self.sentinels.stop()
        for node in self.nodes:
            await node.stop()

    def logs(self, lines=40):
        """The ends of the hubs' logs, for a report of a failure."""
        parts = []
        for hub in self.hubs:
            tail = hub.log().rstrip().split("\n")[-lines:]
            parts.append(f"---- the log of {hub.name}:\n" + "\n".join(tail))
        return "\n".join(parts)

    def keep(self):
        """Leaves the folder with configurations and logs where it is."""
        name = self._folder.name
        self._folder._finalizer.detach()  # pylint: disable=protected-access
        return name

    def clean(self):
        self._folder.cleanup()
