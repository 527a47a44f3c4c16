"""Clients that read streams: raw sockets, parsed strictly, back at random with their last id on any hub.

Temperaments: `steady` stays until it is cut, `restless` leaves every few seconds (now and then for long, so that it
returns with an old cursor), `slow` takes little at a time with a small kernel buffer and leaves seldom.
After the faults all of them stay, so that each can reach the sentinels.
"""
import asyncio
import json
import socket
import urllib.parse

from history import ReaderLog, Record
from http1 import read_head
from hubs import BASE, token
from proxy import reset_on_close
from sse import Chunks, Malformed, Parser

SILENCE = 8.0    # heartbeats come every second
STEADY, RESTLESS, SLOW = "steady", "restless", "slow"


class Reader:
    def __init__(self, world, name, user, topics, categories, on_gap, temperament, only_topics=False, earliest=False):
        audiences = [f"topic:{topic}" for topic in topics]
        if not only_topics:
            audiences = [f"user:{user}", "broadcast"] + audiences
        self.log = ReaderLog(name, tuple(audiences), categories, on_gap, earliest, temperament == SLOW)
        self.world = world
        self.random = world.random_for(name)
        self.temperament = temperament
        self.connections = 0
        self.cut_by_hub = 0
        self.live = False        # has seen its first caught_up
        self.done = False        # has a sentinel
        self.cursor = ""
        self._heard = 0.0        # when bytes last came
        self._retry = 0.3
        self._token = token(user, subscribe=[f"topic:{topic}" for topic in topics])
        query = {}
        if topics:
            query["topics"] = ",".join(topics)
        if only_topics:
            query["audiences"] = "topics"
        if categories is not None:
            query["categories"] = ",".join(categories)
        if on_gap != "live":
            query["on_gap"] = on_gap
        if earliest:
            query["from"] = "earliest"
        self._query = query

    async def run(self):
        while not self.world.over:
            hub = self.world.any_hub(self.random)
            if hub is None:
                await asyncio.sleep(0.05)
                continue
            why = await self._connection(hub)
            self._record("close", note=why)
            if why == "done":
                return
            await self._wait(why)

    async def _wait(self, why):
        seconds = self._retry * self.random.uniform(0.5, 1.2)
        if why == "left" and self.random.random() < 0.3:
            seconds = 0.0
        elif why == "left" and self.random.random() < 0.12:
            seconds = self.random.uniform(2.0, 8.0)
        until = self.world.now() + seconds
        while self.world.now() < until and not self.world.settling:
            await asyncio.sleep(min(0.1, max(0.0, until - self.world.now())))

    def _record(self, what, id_="", n=-1, type_="", note=""):
        self.log.records.append(Record(what, self.world.now(), self.connections, id_, n, type_, note))

    # ---- one connection

    def _target(self, fields):
        query = dict(self._query)
        if self.cursor:
            query.pop("from", None)
            if self.random.random() < 0.5:
                query["last_event_id"] = self.cursor
            else:
                fields.append(f"Last-Event-ID: {self.cursor}")
        return BASE + "/events" + ("?" + urllib.parse.urlencode(query) if query else "")

    async def _connection(self, hub):
        self.connections += 1
        self._record("open", note=f"{hub.name} from {self.cursor or 'now'}")
        sock = socket.socket()
        sock.setblocking(False)
        if self.temperament == SLOW:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer = None
        try:
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", hub.port or 1)), 3)
            limit = 2048 if self.temperament == SLOW else 65536
            reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
            fields = [f"Authorization: Bearer {self._token}", "Accept: text/event-stream"]
            target = self._target(fields)
            writer.write("\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode())
            return await self._stream(hub, reader)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            return f"broken ({type(error).__name__})"
        except (Malformed, ValueError, KeyError, asyncio.LimitOverrunError) as error:
            self.world.problem(f"{self.log.name} got a malformed stream from {hub.name}: {error}")
            return "malformed"
        finally:
            if writer is not None:
                if self.random.random() < 0.3:
                    reset_on_close(writer)
                writer.transport.abort()
            else:
                sock.close()

    async def _stream(self, hub, reader):
        head = await asyncio.wait_for(read_head(reader), SILENCE)
        if head.status != 200:
            if head.status not in (429, 503):
                self.world.problem(f"{self.log.name} was answered {head.status} by {hub.name}")
            return f"refused ({head.status})"
        leaves, port = self._leaves(), hub.port
        parser = Parser(self.cursor)
        chunks = Chunks()
        while True:
            left = leaves - self.world.now()
            if self.world.settling:
                left = SILENCE
            elif left <= 0:
                return "left"
            try:
                data = await asyncio.wait_for(reader.read(2048 if self.temperament == SLOW else 65536),
                                              min(left, 0.5))
            except asyncio.TimeoutError:
                if self.world.now() - self._heard > SILENCE:
                    return "silent"
                continue
            if not data:
                return self._ended(hub, port, chunks)
            self._heard = self.world.now()
            for type_, text, id_ in parser.feed(chunks.feed(data)):
                self._take(type_, text, id_)
            self.cursor = parser.last_id
            if parser.retry_ms is not None:
                self._retry = parser.retry_ms / 1000
            if self.log.earliest and self.live:
                return "done"
            if self.temperament == SLOW and not self.world.settling:
                await asyncio.sleep(self.random.uniform(0.02, 0.15))

    def _leaves(self):
        self._heard = self.world.now()
        if self.log.earliest or self.temperament == STEADY:
            return float("inf")
        mean = 2.0 if self.temperament == RESTLESS else 6.0
        return self.world.now() + self.random.expovariate(1.0 / mean)

    def _ended(self, hub, port, chunks):
        if chunks.ended:
            self.world.problem(f"{hub.name} ended {self.log.name} cleanly, though nothing is finished")
            return "ended cleanly"
        if hub.port == port and hub.up and not hub.draining and self.temperament != SLOW:
            self.cut_by_hub += 1
        return "cut"

    def _take(self, type_, text, id_):
        if not type_.startswith("tidings."):
            data = json.loads(text)
            n = data["n"]
            self._record("event", id_, n, type_)
            logical = self.world.events.get(n)
            if logical is not None and logical.final:
                self.done = True
            return
        what = type_.removeprefix("tidings.")
        note = text if what in ("gap", "closed", "expiring", "caught_up") else ""
        self._record(what, id_, note=note)
        if what == "caught_up":
            self.live = True


def crowd(world, count):
    """The readers of a run: every kind of subscription and temperament is among them."""
    random = world.random_for("crowd")
    readers = []
    for index in range(count):
        topics = random.sample(world.topics, random.choice((0, 1, 1, 2)))
        only_topics = bool(topics) and random.random() < 0.15
        categories = random.choice((None, None, None, ("alpha",), ("beta",)))
        temperament = random.choices((STEADY, RESTLESS, SLOW), (3, 5, 2))[0]
        on_gap = "replay" if random.random() < 0.1 else "live"
        user = world.users[index % len(world.users)]
        readers.append(Reader(world, f"reader {index + 1:02d}", user, topics, categories, on_gap, temperament,
                              only_topics))
    return readers


def auditors(world):
    """One reader of all that is retained for each user, with every topic."""
    return [Reader(world, f"auditor of {user}", user, world.topics, None, "live", STEADY, earliest=True)
            for user in world.users]
