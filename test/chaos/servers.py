"""Redis servers and sentinels on free ports, data in the run's folder, each behind a proxy of its own.

Everybody else (hubs, sentinels, replicas) knows a server by its proxy's address, which it announces; only this driver
talks to its own port.
"""
import os
import pathlib
import shutil
import struct
import subprocess

from processes import Process, eventually, free_port
from proxy import Proxy
from resp import FAILURES, RespError, ask, info

MASTER = "mymaster"
DURABILITY = {
    "always": ["appendonly yes", "appendfsync always", 'save ""'],
    "everysec": ["appendonly yes", "appendfsync everysec", 'save ""'],
    "rdb": ["appendonly no", 'save ""'],  # dumps are ordered by the faults, so that a seed repeats them
}


class RedisNode:
    def __init__(self, name, folder, owners, durability, clock=None):
        self.process = Process(name, pathlib.Path(folder) / name.replace(" ", "-"), owners)
        self.name = name
        self.port = free_port()
        self.durability = durability
        self.front = None
        self._owners = owners
        self._clock = clock
        self.replica_of = None  # a proxy's port, at the next start

    async def start(self):
        if self.front is None:
            self.front = await Proxy(self._owners, self.port).start()
        config = self.process.folder / "redis.conf"
        lines = [f"port {self.port}", "bind 127.0.0.1", "enable-debug-command yes", "daemonize no",
                 f"dir {self.process.folder}", "dbfilename dump.rdb", "repl-diskless-sync-delay 0", "repl-timeout 4",
                 "repl-ping-replica-period 1", "repl-backlog-size 4mb", "replica-announce-ip 127.0.0.1",
                 f"replica-announce-port {self.front.port}", "stop-writes-on-bgsave-error no",
                 *DURABILITY[self.durability]]
        if self.replica_of:
            lines.append(f"replicaof 127.0.0.1 {self.replica_of}")
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process.spawn(["redis-server", config], env=self._clock.environment() if self._clock else None)
        if not await eventually(self.answers, 10):
            raise RuntimeError(f"{self.name} does not start, see {self.process.log}")

    async def answers(self):
        try:
            return await ask(self.port, "PING", seconds=1.0) == "PONG"
        except FAILURES:
            return False

    async def call(self, *words, seconds=3.0):
        return await ask(self.port, *words, seconds=seconds)

    async def info(self, section):
        return await info(self.port, section)

    async def role(self):
        try:
            return (await self.call("ROLE", seconds=1.0))[0].decode()
        except FAILURES:
            return "?"

    async def hub_clients(self):
        """[{id, name, cmd, …}] of the connections that hubs have named."""
        text = (await self.call("CLIENT", "LIST")).decode()
        clients = [dict(part.split("=", 1) for part in line.split(" ") if "=" in part)
                   for line in text.split("\n") if line]
        return [c for c in clients if c.get("name", "").startswith("tidings")]

    def tear_tail(self, count):
        """A power loss in small: the last bytes of the append-only file never reached the disk."""
        files = sorted(self.process.folder.glob("appendonlydir/*.incr.aof"))
        if not files:
            return 0
        size = files[-1].stat().st_size
        count = min(count, size)
        os.truncate(files[-1], size - count)
        return count

    def disconnections_by_output_limit(self):
        return self.process.log.read_text(encoding="utf-8", errors="replace").count("output buffer limits")

    async def stop(self):
        self.process.kill_now()
        if self.front:
            await self.front.stop()


class Sentinels:
    """Three sentinels over three nodes."""

    def __init__(self, folder, owners, nodes):
        self.nodes = nodes
        self.ports = [free_port() for _ in range(3)]
        self.processes = [Process(f"sentinel {i + 1}", pathlib.Path(folder) / f"sentinel-{i + 1}", owners)
                          for i in range(3)]
        self.fronts = []
        self._owners = owners

    async def start(self):
        for port, process in zip(self.ports, self.processes):
            config = process.folder / "sentinel.conf"
            config.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {process.folder}\n"
                f"sentinel monitor {MASTER} 127.0.0.1 {self.nodes[0].front.port} 2\n"
                f"sentinel down-after-milliseconds {MASTER} 700\nsentinel failover-timeout {MASTER} 3000\n"
                f"sentinel parallel-syncs {MASTER} 2\n", encoding="utf-8")
            process.spawn(["redis-sentinel", config])
            self.fronts.append(await Proxy(self._owners, port).start())
        if not await eventually(self._complete, 20):
            raise RuntimeError("the sentinels do not find each other")

    async def _complete(self):
        try:
            for port in self.ports:
                reply = await ask(port, "SENTINEL", "MASTER", MASTER, seconds=1.0)
                fields = dict(zip(reply[::2], reply[1::2]))
                if fields[b"num-slaves"] != b"2" or fields[b"num-other-sentinels"] != b"2":
                    return False
        except FAILURES:
            return False
        return True

    async def master(self):
        """The node that most sentinels name."""
        votes = {}
        for port in self.ports:
            try:
                reply = await ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER, seconds=1.0)
                votes[int(reply[1])] = votes.get(int(reply[1]), 0) + 1
            except (*FAILURES, TypeError):
                continue
        front = max(votes, key=votes.get, default=None)
        return next((node for node in self.nodes if node.front.port == front), None)

    async def new_master(self, old, seconds=15.0):
        """Waits until another node is master and says so itself."""
        found = [None]

        async def changed():
            node = await self.master()
            if node is None or node is old or await node.role() != "master":
                return False
            found[0] = node
            return True
        await eventually(changed, seconds)
        return found[0]

    async def ask_failover(self):
        await ask(self.ports[0], "SENTINEL", "FAILOVER", MASTER)

    async def settled(self, seconds=20.0, replicas=2):
        """Waits until one master has enough replicas in sync."""
        async def whole():
            node = await self.master()
            if node is None:
                return False
            try:
                state = await node.info("replication")
            except FAILURES:
                return False
            online = sum("state=online" in state.get(f"slave{i}", "") for i in range(2))
            return state.get("role") == "master" and online >= replicas
        return await eventually(whole, seconds, 0.1)

    async def stop(self):
        for process in self.processes:
            process.kill_now()
        for front in self.fronts:
            await front.stop()


class Clock:
    """Steps the wall clock of a server that was started with its environment."""

    def __init__(self, folder):
        self._file = pathlib.Path(folder) / "clock"
        self._library = pathlib.Path(folder) / "clock_shim.so"
        self._file.write_bytes(struct.pack("q", 0))
        source = pathlib.Path(__file__).with_name("clock_shim.c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", self._library, source], check=True)

    @staticmethod
    def missing():
        return None if shutil.which("cc") else "there is no C compiler for the clock's shim"

    def environment(self):
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK_FILE": str(self._file)}

    def set(self, ms):
        with open(self._file, "r+b") as file:
            file.write(struct.pack("q", ms))


async def stored_events(node):
    """[(audience, event id, data)] of every log that the server holds."""
    found = []
    cursor = "0"
    names = set()
    while True:
        cursor, page = await node.call("SCAN", cursor, "MATCH", "sse:stream:*", "COUNT", "1000", seconds=10)
        names.update(page)
        cursor = cursor.decode()
        if cursor == "0":
            break
    for name in sorted(names):
        audience = name.decode().removeprefix("sse:stream:")
        for _, fields in await node.call("XRANGE", name, "-", "+", seconds=30):
            entry = dict(zip(fields[::2], fields[1::2]))
            if b"event_type" in entry:
                found.append((audience, entry[b"event_id"].decode(), entry[b"data"]))
    return found


