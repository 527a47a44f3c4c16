"""A real hub (TIDINGS_BIN) with a configuration of its own, on free ports."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import urllib.request

import child
import tokens
from http_publisher import HttpPublisher
from waiting import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SECRET = "a secret that only the interop tests know, and nobody else"

# Beside the original's 29 types: one that the original does not know (D31), and one that is not kept.
EXTRA_TYPES = """
[[event]]
type = "system.maintenance"
category = "security"
description = "Declared here, unknown to the original."
data = { note = "string" }
[[event]]
type = "ai.passing"
category = "ai"
description = "Not kept."
slow_reader = "drop"
retain = false
data = { note = "string" }
"""
NOT_KEPT = 'type = "ai.tool.executing"\n'  # one of the original's types, made one that is not kept


def binary():
    return os.environ.get("TIDINGS_BIN", str(ROOT / "build/release/tidings"))


def registry_text():
    text = (ROOT / "registry/finance.toml").read_text(encoding="utf-8")
    assert NOT_KEPT in text
    return text.replace(NOT_KEPT, NOT_KEPT + 'slow_reader = "drop"\nretain = false\n') + EXTRA_TYPES


def toml(value):
    return json.dumps(value)  # texts, numbers, booleans and lists of these look the same in TOML


class Hub:
    def __init__(self, directory, url, settings):
        """`settings` are dotted keys of tidings.toml, as in {"store.foreign_producers": "live"}."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.settings = {"server.listen": ["127.0.0.1:0"], "server.shards": 2, "store.url": url,
                         "delivery.drain": "200ms", "delivery.retry": ["100ms", "900ms"],
                         "operations.listen": "127.0.0.1:0", "auth.leeway": "0s", "log.level": "info"}
        self.settings.update(settings)
        self.registry = self.directory / "registry.toml"
        self.registry.write_text(registry_text(), encoding="utf-8")
        self.process = None
        self.port = self.operations_port = 0
        self.ended_by_test = False

    # ---- its life

    def config(self):
        lines = [f"registry.file = {toml(str(self.registry))}"]
        lines += [f"{name} = {toml(value)}" for name, value in self.settings.items() if value is not None]
        lines.append(f'auth.key = [{{ algorithm = "HS256", secret = {toml(SECRET)} }}]')
        path = self.directory / "tidings.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def launch(self):
        config = self.config()
        with open(self.directory / "log", "ab") as log:
            self.process = child.start([binary(), "serve", "--config", config], stdout=subprocess.PIPE, stderr=log)
        self.ended_by_test = False
        return self

    def started(self):
        """Waits until it listens."""
        self._read_addresses()
        return self

    def start(self):
        return self.launch().started()

    def stop(self):
        self.ended_by_test = True
        return child.stop(self.process)

    def kill(self):
        self.ended_by_test = True
        return child.kill(self.process)

    def close(self):
        if self.process is not None:
            child.kill(self.process)
            self.process.stdout.close()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _read_addresses(self):
        said, deadline = b"", time.monotonic() + PATIENCE
        os.set_blocking(self.process.stdout.fileno(), False)
        while not re.search(rb"operations on \S+\n", said):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the hub did not start ({self.process.poll()}):\n{self.log()}")
            said += self.process.stdout.read(4096) or b""
            time.sleep(0.005)
        self.port = int(re.search(rb"listening on http://[^:]+:(\d+)", said)[1])
        self.operations_port = int(re.search(rb"operations on http://[^:]+:(\d+)", said)[1])

    # ---- what it says of itself

    def log(self):
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def says(self, pattern, seconds=PATIENCE):
        """Waits for a line of the log that matches; the line."""
        found = eventually(lambda: re.search(pattern, self.log(), re.I),
                           lambda: f"no line of the hub's log matches {pattern!r}; it says:\n{self.log()[-6000:]}",
                           seconds)
        return self.log()[self.log().rfind("\n", 0, found.start()) + 1:].split("\n", 1)[0]

    def metrics(self):
        """The sum over the labels of each metric, by name."""
        url = f"http://127.0.0.1:{self.operations_port}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            text = answer.read().decode()
        sums = {}
        for line in text.split("\n"):
            match = re.match(r"(\w+)(?:\{.*\})? (\S+)", line)
            if match and not line.startswith("#"):
                sums[match[1]] = sums.get(match[1], 0.0) + float(match[2])
        return sums

    def unreadable(self):
        """How many messages and entries of others it could not read: each of them is counted (D5)."""
        return self.metrics()["tidings_store_ignored_messages_total"]

    def health(self, path="/readyz"):
        with socket.create_connection(("127.0.0.1", self.operations_port), PATIENCE) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
            answer = b""
            while part := connection.recv(4096):
                answer += part
        return int(answer.split()[1])

    def resident_bytes(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    # ---- how to talk to it

    def publisher(self, token=None):
        return HttpPublisher(self.port, token or tokens.publisher(SECRET))




def store_is_known(url):
    """Whether this binary has the store that the URL names; None, or what it says."""
    out = subprocess.run([binary(), "config", "print"], env={**os.environ, "TIDINGS_STORE_URL": url,
                         "TIDINGS_AUTH_KEY_SECRET": SECRET}, capture_output=True, text=True, check=False)
    text = out.stdout + out.stderr
    return None if "not supported by this version" not in text else text.strip()
