"""A TCP proxy before a server, which treats the connections of each process as a rule says.

Whose a connection is comes from the kernel: the client's port leads to a socket's inode in /proc/net/tcp, and that to
a process that we started. So the same address serves hubs, sentinels and replicas, and one of them alone
can be cut off.

    open       bytes go both ways
    cut        connections end, new ones end at once
    stall      nothing moves; all that was held goes on when the rule ends
    deaf       what the client says arrives, what the server says is swallowed: the answer is lost, not the deed
    blackhole  both directions are swallowed
After deaf and blackhole the connections that lost bytes are ended, since what follows would be garbage.
"""
import asyncio
import os
import socket
import struct

OPEN, CUT, STALL, DEAF, BLACKHOLE = "open", "cut", "stall", "deaf", "blackhole"
_HELD = 64 * 1024


def _inode_of_port(client_port, server_port):
    local = f"0100007F:{client_port:04X}"
    remote = f"0100007F:{server_port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[1] == local and fields[2] == remote:
                return fields[9]
    return None


def _owns(pid, inode):
    folder = f"/proc/{pid}/fd"
    wanted = f"socket:[{inode}]"
    try:
        names = os.listdir(folder)
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f"{folder}/{name}") == wanted:
                return True
        except OSError:
            continue
    return False


class Owners:
    """Names of the processes that we started, by process id."""

    def __init__(self):
        self.names = {}  # pid -> name

    def of(self, client_port, server_port):
        inode = _inode_of_port(client_port, server_port)
        if inode is None or inode == "0":
            return "?"
        return next((name for pid, name in self.names.items() if _owns(pid, inode)), "?")


class Link:
    """One proxied connection."""

    def __init__(self, owner, client, server):
        self.owner = owner
        self.client = client  # (reader, writer)
        self.server = server
        self.rule = OPEN
        self.lost_bytes = False
        self.changed = asyncio.Event()

    def set_rule(self, rule):
        if self.lost_bytes and rule in (OPEN, STALL):
            rule = CUT
        self.rule = rule
        self.changed.set()
        if rule == CUT:
            self.abort()

    def abort(self):
        self.client[1].transport.abort()
        self.server[1].transport.abort()


class Proxy:
    def __init__(self, owners, target_port):
        self.port = 0
        self.links = set()
        self._owners = owners
        self._target = target_port
        self._rules = {}
        self._default = OPEN
        self._server = None
        self._tasks = set()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HELD)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self._server.close()
        for link in list(self.links):
            link.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- rules

    def set_rule(self, owner, rule):
        """For all connections of this process, those of now and those to come."""
        self._rules[owner] = rule
        self._apply()

    def isolate(self, friends, rule=CUT):
        """Every process but these gets the rule."""
        self._default = rule
        self._rules = {friend: OPEN for friend in friends}
        self._apply()

    def heal(self):
        self._default = OPEN
        self._rules = {}
        self._apply()

    def rule_of(self, owner):
        return self._rules.get(owner, self._default)

    def _apply(self):
        for link in list(self.links):
            link.set_rule(self.rule_of(link.owner))

    # ---- bytes

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(asyncio.current_task())

    async def _connect(self, reader, writer):
        peer = writer.get_extra_info("peername")
        owner = self._owners.of(peer[1], self.port) if peer else "?"
        if self.rule_of(owner) == CUT:
            return
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD)  # so that a stall reaches the server soon
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self._target))
            server = await asyncio.open_connection(sock=sock, limit=_HELD)
        except OSError:
            sock.close()
            return
        for end in (writer, server[1]):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(owner, (reader, writer), server)
        link.set_rule(self.rule_of(owner))
        self.links.add(link)
        try:
            pumps = [asyncio.ensure_future(self._pump(link, reader, server[1], (BLACKHOLE,))),
                     asyncio.ensure_future(self._pump(link, server[0], writer, (BLACKHOLE, DEAF)))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self.links.discard(link)
            server[1].transport.abort()

    @staticmethod
    async def _pump(link, reader, writer, swallowed):
        while True:
            data = await reader.read(_HELD)
            while link.rule == STALL:
                link.changed.clear()
                await link.changed.wait()
            if not data:
                return
            if link.rule in swallowed:
                link.lost_bytes = True
                continue
            writer.write(data)
            await writer.drain()


def reset_on_close(writer):
    """The connection ends with a reset instead of a FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:  # it may have ended by itself
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
