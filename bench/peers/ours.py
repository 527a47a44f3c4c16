"""Tidings itself: one shard, a registry with one type, tokens of HS256 that each stream shows."""
import pathlib
import re

import machine
import tokens
from peers.system import Server, System, post
from processes import Child

REGISTRY = """categories = ["bench"]
[[event]]
type = "bench.event"
category = "bench"
description = "One event of a measurement."
data = { "~" = "string", pad = "string" }
"""
BROADCAST = '{"type":"bench.event","broadcast":true,"data":{payload}}'
TO_USER = '{"type":"bench.event","user_id":"{user}","data":{payload}}'


def configuration(folder, settings):
    """The text of tidings.toml. `settings` are dotted names with TOML values."""
    every = {
        "server.listen": '["127.0.0.1:0"]', "server.shards": "1", "operations.listen": '"127.0.0.1:0"',
        "server.limits.streams": "19500", "server.limits.connections": "19700",
        "server.limits.streams_per_address": "19500", "log.level": '"warning"',
        **settings}
    lines = [f'registry.file = "{folder}/registry.toml"', *(f"{name} = {value}" for name, value in every.items()),
             f'auth.key = [{{ algorithm = "HS256", secret = "{tokens.SECRET}" }}]']
    return "\n".join(lines) + "\n"


def retention(events):
    """Settings under which logs of that many events of 200 bytes stay whole."""
    return {f"store.retention.{kind}.{what}": value for kind in ("user", "broadcast", "topic")
            for what, value in (("events", str(max(1000, events))), ("bytes", '"8GiB"'), ("age", '"24h"'))}


class Ours(System):
    name = "ours"
    title = "Tidings"
    program = "tidings"
    has_users = True

    def path(self):
        found = machine.ROOT / "build/release/tidings"
        return found if found.exists() else None

    def missing(self):
        return None if self.path() else "build/release/tidings does not build"

    def version(self):
        return machine.output(self.path(), "--version").split("\n")[0]

    def start(self, folder, core, settings=None, name="tidings", users=False, patience=15, **_):
        folder = pathlib.Path(folder)
        (folder / "registry.toml").write_text(REGISTRY, encoding="utf-8")
        config = folder / f"{name}.toml"
        config.write_text(configuration(folder, settings or {}), encoding="utf-8")
        child = Child(name, [self.path(), "serve", "--config", config], folder, core)
        child.wait_for(lambda: "\noperations on" in child.said(), patience)
        port = int(re.search(r"listening on http://[^:]+:(\d+)", child.said())[1])
        publisher = tokens.token("publisher", tidings={"publish": ["*"]})
        headers = [("Authorization", f"Bearer {publisher}")]
        subscribe = {"path": "/api/v1/events", "headers": [["Authorization", "Bearer {token}"],
                                                           ["Last-Event-ID", "{id}"]]}
        publish = post(port, "/api/v1/events", TO_USER if users else BROADCAST, headers)
        return Server(child, port, subscribe, publish, user="u{n}", key=tokens.SECRET)
