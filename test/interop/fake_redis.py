"""A server that is no Redis, or a bad one: what a hub must survive when its URL leads there.

A behaviour is a function of one connection; when it returns, the connection is closed.
"""
import os
import socket
import threading
import time

INFO = ("# Server\r\nredis_version:{version}\r\nredis_mode:standalone\r\nrun_id:" + "ab" * 20 + "\r\n"
        "# Persistence\r\nloading:0\r\n# Replication\r\nrole:master\r\n")


class Connection:
    """One client of the fake, with a reader of its commands."""

    def __init__(self, connection, server):
        self._socket = connection
        self._rest = b""
        self.server = server

    def send(self, data):
        self._socket.sendall(data)

    def commands(self):
        """Yields each command as a list of bytes, until the client goes."""
        while True:
            command = self._command()
            if command is None:
                return
            yield command

    def wait_for_end(self):
        while self._read():
            pass

    def shut(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def _read(self):
        try:
            data = self._socket.recv(65_536)
        except OSError:
            return b""
        self._rest += data
        return data

    def _line(self):
        while b"\r\n" not in self._rest:
            if not self._read():
                return None
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def _command(self):
        line = self._line()
        if line is None:
            return None
        if not line.startswith(b"*"):
            return line.split()
        parts = []
        for _ in range(int(line[1:])):
            size = self._line()
            if size is None:
                return None
            while len(self._rest) < int(size[1:]) + 2:
                if not self._read():
                    return None
            parts.append(self._rest[:int(size[1:])])
            self._rest = self._rest[int(size[1:]) + 2:]
        return parts


class FakeRedis:
    def __init__(self, behaviour, port=0):
        self.behaviour = behaviour
        self.accepted = []   # the time of each connect
        self.commands = []   # what `answers` was asked
        self._connections = []
        self._lock = threading.Lock()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self):
        return f"redis://127.0.0.1:{self.port}/0"

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.shut()

    def most_connects_in_a_second(self, since=0.0):
        times = [t for t in self.accepted if t >= since]
        return max((sum(t <= other < t + 1 for other in times) for t in times), default=0)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted.append(time.monotonic())
            connection = Connection(client, self)
            with self._lock:
                self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.behaviour(connection)
        except OSError:
            pass
        connection.shut()


# ---- behaviours

def bulk(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


def answers(reply):
    """A behaviour that answers each command with `reply(command)`."""
    def behave(connection):
        for command in connection.commands():
            connection.server.commands.append(command)
            connection.send(reply(command))
    return behave


def closes_at_once(_connection):
    pass


def never_answers(connection):
    connection.wait_for_end()


def says_garbage(connection):
    connection.send(os.urandom(2000) + b"\r\n" + os.urandom(2000))
    connection.wait_for_end()


def is_a_web_server(connection):
    connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>no</html>")


def promises(header):
    """Answers each command with the head of something huge, which never comes."""
    return answers(lambda _command: header)


def nests_deeply(connection):
    for _ in connection.commands():
        connection.send(b"*1\r\n" * 100_000)


def floods(connection):
    """An endless reply: the bulk string that was announced is never over."""
    for _ in connection.commands():
        connection.send(b"$536870912\r\n")
        for _ in range(512):
            connection.send(b"x" * 1_048_576)


def truncates(connection):
    for _ in connection.commands():
        connection.send(b"$100\r\nabc")
        return


def answers_too_often(connection):
    """Three replies where one was due: every later reply belongs to another command."""
    for command in connection.commands():
        connection.send(plausible(command) + b"+OK\r\n:7\r\n")


def answers_askew(connection):
    """The reply of each command is of another command's kind."""
    for _ in connection.commands():
        connection.send(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n")


def is_loading(connection):
    for _ in connection.commands():
        connection.send(b"-LOADING Redis is loading the dataset in memory\r\n")


def plausible(command, version="7.0.15"):
    """What a server of this version answers to the commands of a beginning connection."""
    name = command[0].upper() if command else b""
    if name == b"PING":
        return b"+PONG\r\n"
    if name in (b"SELECT", b"AUTH", b"CLIENT"):
        return b"+OK\r\n"
    if name == b"INFO":
        return bulk(INFO.format(version=version))
    if name == b"HELLO" and not version.startswith("5"):
        return b"*4\r\n" + bulk("server") + bulk("redis") + bulk("version") + bulk(version)
    if name == b"ROLE":
        return b"*3\r\n" + bulk("master") + b":0\r\n*0\r\n"
    return b"-ERR unknown command `" + name + b"`, with args beginning with: \r\n"


def is_old(connection):
    for command in connection.commands():
        connection.send(plausible(command, "5.0.14"))
