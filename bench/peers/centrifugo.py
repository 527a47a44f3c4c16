"""Centrifugo with its memory engine, unidirectional SSE and a history. It sends offsets inside its JSON, not as `id:`,
and recovers nothing from Last-Event-ID."""
import json
import pathlib
import urllib.parse

from peers.system import Server, System, post
from processes import Child, free_port, listens

CHANNEL = "bench"
KEY = "bench"


def configuration(port):
    return {
        "http_server": {"address": "127.0.0.1", "port": port},
        "log": {"level": "error"},
        "client": {"allow_anonymous_connect_without_token": True, "allowed_origins": ["*"]},
        "channel": {"without_namespace": {
            "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True,
            "history_size": 1000, "history_ttl": "1h", "force_positioning": True}},
        "uni_sse": {"enabled": True},
        "http_api": {"key": KEY},
    }


class Centrifugo(System):
    name = "centrifugo"
    title = "Centrifugo, uni_sse"
    program = "centrifugo"
    has_ids = False
    has_users = True

    def version(self):
        return "6.9.1"  # as bench/peers/setup builds it; a build of the module does not know its own

    def start(self, folder, core, users=False, **_):
        port = free_port()
        config = pathlib.Path(folder) / "config.json"
        config.write_text(json.dumps(configuration(port)), encoding="utf-8")
        child = Child(self.name, [self.path(), "-c", config], folder, core, {"GOMAXPROCS": "1"})
        child.wait_for(lambda: listens(port))
        channel = "{user}" if users else CHANNEL
        connect = urllib.parse.quote(json.dumps({"subs": {"CHANNEL": {}}}, separators=(",", ":")), safe="")
        subscribe = {"path": f"/connection/uni_sse?cf_connect={connect.replace('CHANNEL', channel)}", "headers": []}
        publish = post(port, "/api/publish", '{"channel":"' + channel + '","data":{payload}}', [("X-API-Key", KEY)])
        return Server(child, port, subscribe, publish, user="u{n}")
