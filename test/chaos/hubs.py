"""Hubs: their configuration, their registry, tokens, starting and `kill -9`."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import time

from processes import Process, eventually

SECRET = "a secret that only this chaos run knows, and no other"
BASE = "/api/v1"

REGISTRY = """categories = ["alpha", "beta"]
[[event]]
type = "item.alpha"
category = "alpha"
description = "Of the first category, also made from a domain event for a user."
data = { n = "integer", pad = "string?" }
[event.from]
name = "AlphaHappened"
user_id = "/user_id"
data = { n = "/n", pad = "/pad" }
[[event]]
type = "item.beta"
category = "beta"
description = "Of the second category, also made from a domain event for a topic."
data = { n = "integer", pad = "string?" }
[event.from]
name = "BetaHappened"
topic = "/topic"
data = { n = "/n", pad = "/pad" }
[[event]]
type = "item.news"
category = "beta"
description = "Made from a domain event for everybody."
data = { n = "integer", pad = "string?" }
[event.from]
name = "NewsHappened"
broadcast = true
data = { n = "/n", pad = "/pad" }
"""


def _text(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(user, publish=(), subscribe=()):
    """A JWT of HS256 that lives for a day."""
    now = int(time.time())
    claims = {"sub": user, "iat": now - 60, "exp": now + 86400,
              "tidings": {"publish": list(publish), "subscribe": list(subscribe)}}
    head = _text(b'{"alg":"HS256","typ":"JWT"}')
    body = head + "." + _text(json.dumps(claims).encode())
    return body + "." + _text(hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).digest())


def publisher_token():
    return token("publisher", publish=["*"])


class Hub:
    def __init__(self, name, folder, owners, binary, settings, env=None):
        self.name = name
        self.process = Process(name, pathlib.Path(folder) / name.replace(" ", "-"), owners)
        self.port = None
        self.draining = False
        self._binary = pathlib.Path(binary).resolve()
        self._env = env or {}
        self._settings = {
            "server.listen": '["127.0.0.1:0"]', "server.shards": "2", "operations.listen": '"127.0.0.1:0"',
            "delivery.heartbeat": '"1s"', "delivery.retry": '["100ms", "400ms"]', "delivery.drain": '"200ms"',
            "store.publish_wait": '"2s"', "auth.leeway": '"5m"', "log.level": '"info"',
            **{f"store.retention.{kind}.events": "1000000" for kind in ("user", "broadcast", "topic")},
            **settings}

    @property
    def up(self):
        return self.port is not None and self.process.running()

    async def start(self, seconds=15.0):
        folder = self.process.folder
        (folder / "registry.toml").write_text(REGISTRY, encoding="utf-8")
        lines = [f'registry.file = "{folder}/registry.toml"',
                 *(f"{name} = {value}" for name, value in self._settings.items()),
                 f'auth.key = [{{ algorithm = "HS256", secret = "{SECRET}" }}]']
        (folder / "tidings.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        said = folder / "stdout"
        with open(said, "wb") as out:
            self.process.spawn([self._binary, "serve", "--config", folder / "tidings.toml"], self._env, out)

        def listens():
            for line in said.read_text(encoding="utf-8").split("\n")[:-1]:
                if line.startswith("listening on "):
                    self.port = int(line.rsplit(":", 1)[1])
            return self.port is not None or not self.process.running()
        await eventually(listens, seconds, 0.02)
        if not self.up:
            raise RuntimeError(self.process.died() or f"{self.name} does not listen, see {self.process.log}")

    async def kill(self):
        self.port = None
        await self.process.kill()

    async def terminate(self):
        """As an operator does: it drains, and readers and publishers meet it while it does."""
        self.draining = True
        await self.process.kill(signal.SIGTERM)
        self.port, self.draining = None, False

    def log(self):
        return self.process.log.read_text(encoding="utf-8", errors="replace")

    def memory(self):
        """Resident bytes."""
        try:
            with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        except OSError:
            return 0
