"""Applications that publish on every path, with and without keys, and repeat what they must.

An event with a key is sent again after a 503, a cut or a time-out, as the same bytes, to any hub, until it is
acknowledged or the run gives up. One without a key is sent once. Some acknowledged ones are sent
again, as an application would whose own record of the answer was lost: the first id has to come back.
"""
import asyncio

from bodies import CLOUD, DOMAIN_NAMES, PATHS, SEVERAL, build, read_answer
from history import ACKED, REFUSED, UNKNOWN, Attempt, Logical
from http1 import Connection, NotSent, Unanswered
from hubs import publisher_token

GIVE_UP = 25.0   # seconds after which an event is left unacknowledged
TYPES = {"item.alpha": "alpha", "item.beta": "beta", "item.news": "beta"}


class Publishers:
    def __init__(self, world, count, rate, broadcast_share=0.1):
        self.world = world
        self.random = world.random_for("publishers")
        self.count = count
        self.pause = count / rate      # mean seconds between the requests of one publisher
        self.broadcast_share = broadcast_share
        self.token = publisher_token()
        self.requests = 0
        self.repeats = 0
        self._serial = 0
        self._stopping = asyncio.Event()
        self._tasks = []
        self._again = set()

    def start(self):
        self._tasks = [asyncio.ensure_future(self._publish(i)) for i in range(self.count)]

    async def finish(self, seconds):
        """No new events; waits for those on their way."""
        self._stopping.set()
        tasks = self._tasks + list(self._again)
        done, late = await asyncio.wait(tasks, timeout=seconds) if tasks else ((), ())
        for task in late:
            task.cancel()
        for task in done:
            if not task.cancelled() and task.exception():
                raise task.exception()

    def serial(self):
        self._serial += 1
        return self._serial

    # ---- what to publish

    def _audience(self, path):
        if path == "users":
            users = self.random.sample(self.world.users, 3)
            return tuple(f"user:{user}" for user in users)
        draw = self.random.random()
        if draw < self.broadcast_share:
            return ("broadcast",)
        if draw < 0.4:
            return (f"topic:{self.random.choice(self.world.topics)}",)
        return (f"user:{self.random.choice(self.world.users)}",)

    def _logical(self, path, key):
        n = self.serial()
        audiences = self._audience(path)
        if path == "domain" or path in CLOUD:
            type_ = DOMAIN_NAMES[audiences[0].partition(":")[0]][1]
        else:
            type_ = self.random.choice(("item.alpha", "item.beta"))
        logical = Logical(n, audiences, type_, TYPES[type_], key and key.format(n=n), path)
        self.world.events[n] = logical
        return logical

    def _request(self):
        path = self.random.choice(PATHS)
        keyed = path in CLOUD or self.random.random() < 0.6
        header_key = keyed and path in ("single", "users", "array") and self.random.random() < 0.5
        count = self.random.randint(2, 8) if path in SEVERAL else 1
        draw = self.random.random()
        pad = "x" * (self.random.randint(2000, 6000) if draw < 0.05 else self.random.randint(0, 300))
        if path == "array" and header_key:
            base = f"b{self._serial}"
            items = [self._logical(path, f"{base}/{index}") for index in range(count)]
        else:
            items = [self._logical(path, "k{n}" if keyed else None) for _ in range(count)]
        return build(path, items, pad, header_key)

    # ---- how

    async def _publish(self, index):
        connections = {}
        random = self.world.random_for(f"publisher {index}")
        while not self._stopping.is_set():
            request = self._request()
            await self.send(request, connections, random)
            if request.keyed and random.random() < 0.04:
                self._later(request, random)
            await asyncio.sleep(random.expovariate(1.0 / self.pause))
        for connection in connections.values():
            connection.close()

    def _later(self, request, random):
        async def again():
            await asyncio.sleep(random.uniform(0.2, 4.0))
            self.repeats += 1
            await self.send(request, {}, random, once=True)
        task = asyncio.ensure_future(again())
        self._again.add(task)
        task.add_done_callback(self._again.discard)

    async def send(self, request, connections, random, once=False):
        """Sends until all is acknowledged, or as often as it may. True: all is acknowledged."""
        until = self.world.now() + GIVE_UP
        while True:
            outcomes = await self._attempt(request, connections, random)
            if all(outcome == ACKED for outcome in outcomes):
                return True
            if not request.keyed or once or self.world.now() > until or self.world.over:
                return False
            await asyncio.sleep(random.uniform(0.05, 0.5))

    async def _attempt(self, request, connections, random):
        hub = self.world.any_hub(random)
        if hub is None:
            await asyncio.sleep(0.1)
            return [REFUSED]
        connection = connections.get(hub.name)
        if connection is None or connection.port != hub.port:
            if connection is not None:
                connection.close()
            connection = connections[hub.name] = Connection(hub.port)
        self.requests += 1
        attempts = [Attempt(self.world.now(), 0.0, hub.name, UNKNOWN) for _ in request.items]
        for item, attempt in zip(request.items, attempts):
            item.attempts.append(attempt)  # before it is sent: it counts also if this task ends here
        try:
            status, body = await connection.request(request.target, self.token, request.body, request.fields)
            answers = read_answer(request, status, body)
        except NotSent as error:
            answers = [(REFUSED, {}, f"not sent: {error}")] * len(request.items)
        except Unanswered as error:
            answers = read_answer(request, error.status, error.body, whole=False)
        finally:
            for attempt in attempts:
                attempt.ended = self.world.now()
        for attempt, (outcome, ids, note) in zip(attempts, answers):
            attempt.outcome, attempt.ids, attempt.note = outcome, ids, note
            if note.startswith(("unexpected", "wrong answer")):
                self.world.problem(f"{hub.name} answered {request.path}: {note}")
        return [outcome for outcome, _, _ in answers]

    async def sentinels(self, round_):
        """One last event for each audience and category, acknowledged. False: some were not."""
        audiences = [f"user:{u}" for u in self.world.users] + ["broadcast"] + [f"topic:{t}" for t in self.world.topics]
        good = True
        random = self.world.random_for(f"sentinels {round_}")
        connections = {}
        for category in ("alpha", "beta"):
            items = []
            for audience in audiences:
                n = self.serial()
                items.append(Logical(n, (audience,), f"item.{category}", category, f"final{n}", "array", final=True))
                self.world.events[n] = items[-1]
            good = await self.send(build("array", items, ""), connections, random) and good
        for connection in connections.values():
            connection.close()
        return good
