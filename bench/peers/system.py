"""What every system has in common."""
import os
import pathlib
import shutil

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "tidings-bench"


# Where streams come from: an address with half of its ports taken makes each connect dear.
CLIENTS = [f"127.0.0.{last}" for last in range(1, 5)]


class System:
    name = ""
    title = ""
    program = ""                # a name to be found, or a path
    how = "bench/peers/setup"   # what installs it
    max_streams = 19000         # where it still makes sense to ask it
    connect_concurrency = 256   # streams that are being opened at once
    has_ids = True              # `id:` lines that a client can return with
    has_users = False           # events to one user alone

    def path(self):
        for place in (CACHE / "bin" / self.program, shutil.which(self.program), f"/usr/sbin/{self.program}"):
            if place and os.access(place, os.X_OK) and pathlib.Path(place).is_file():
                return pathlib.Path(place)
        return None

    def missing(self):
        """Why it cannot be measured here, or nothing."""
        return None if self.path() else f"{self.program} is not installed ({self.how})"

    def version(self):
        raise NotImplementedError

    def start(self, folder, core, **options):
        """A running Server on a free port of loopback, all its processes on that core."""
        raise NotImplementedError


class Server:
    """A started system and what the generator has to know of it."""

    def __init__(self, child, port, subscribe, publish, helpers=(), **more):
        self.child = child
        self.port = port
        self.subscribe = subscribe
        self.publish = publish
        self.more = more          # further members of the generator's document
        self._helpers = helpers   # processes that are not the system's bill

    def pids(self):
        return self.child.pids()

    def document(self):
        return {"host": "127.0.0.1", "port": self.port, "source_addresses": CLIENTS, "pids": [self.child.pid], "subscribe": self.subscribe,
                "publish": self.publish, **self.more}

    def stop(self):
        for each in (self.child, *self._helpers):
            each.stop()


def post(port, path, body, headers=(), content_type="application/json", **more):
    """How the generator publishes: the path and the body may hold {payload}, {user} and {n}."""
    return {"host": "127.0.0.1", "port": port, "path": path, "method": "POST", "content_type": content_type,
            "headers": [list(each) for each in headers], "body": body, "connections": 1, **more}
