"""A real Redis on a free port, with its data in a folder of the test."""
import pathlib
import socket

import redis

import child
from waiting import eventually, free_port

NAME = "the-test"  # what the test's own connections call themselves in CLIENT LIST


class RedisServer:
    def __init__(self, directory, port=None, **settings):
        """`settings` are redis-server's, with underscores for hyphens: maxmemory_policy="noeviction"."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.data.mkdir(exist_ok=True)
        self.port = port or free_port()
        while settings.get("cluster_enabled") == "yes" and self.port > 55_000:  # its bus is 10,000 above
            self.port = free_port()
        self.settings = {"save": "", "appendonly": "no"}
        self.settings.update({name.replace("_", "-"): value for name, value in settings.items()})
        self.process = None
        self._clients = []
        self._watcher = None

    def start(self):
        """Also again, on the same port and data."""
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.data,
                   "--daemonize", "no", "--logfile", self.directory / "redis.log"]
        for name, value in self.settings.items():
            command += [f"--{name}", *(str(value).split() or [""])]
        with open(self.directory / "redis.out", "ab") as out:
            self.process = child.start(command, stdout=out, stderr=out, cwd=self.directory)
        eventually(self._answers, lambda: f"redis-server does not answer: {self.log()[-2000:]}")
        return self

    def stop(self):
        if self.process is not None:
            child.stop(self.process)

    def kill(self):
        if self.process is not None:
            child.kill(self.process)

    def close(self):
        for client in self._clients:
            client.close()
        self.stop()

    def client(self, **options):
        """A client of the test's own; bytes unless decode_responses=True."""
        options = {"socket_timeout": 20, "client_name": NAME, **options}
        client = redis.Redis(host="127.0.0.1", port=self.port, **options)
        self._clients.append(client)
        return client

    def url(self, database=0, user=None, password=None):
        credentials = f"{user or ''}:{password}@" if password is not None else ""
        return f"redis://{credentials}127.0.0.1:{self.port}/{database}"

    def log(self):
        path = self.directory / "redis.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def strangers(self):
        """The connections that are not the test's own: those of hubs."""
        if self._watcher is None:
            self._watcher = self.client()
        return [c for c in self._watcher.client_list() if c["name"] != NAME]

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"redis-server ended with {self.process.returncode}: {self.log()[-2000:]}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.settimeout(1)
                connection.sendall(b"PING\r\n")
                reply = connection.recv(64)
        except OSError:
            return False
        return reply.startswith((b"+PONG", b"-NOAUTH"))


def entries(client, key):
    """(entry id, [(field, value)]) of a whole log, as it is: redis-py's dictionaries lose the repeats of a field."""
    connection = client.connection_pool.get_connection("XRANGE")
    try:
        connection.send_command("XRANGE", key, "-", "+")
        reply = connection.read_response()
    finally:
        client.connection_pool.release(connection)
    return [(id_.decode(), [(name.decode(), value.decode()) for name, value in zip(flat[::2], flat[1::2])])
            for id_, flat in reply]
