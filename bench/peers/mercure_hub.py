"""Mercure's open hub on Caddy, with its local transport (no history) or, by option, Bolt. Anonymous subscribers, no
log of requests, no end of streams."""
import pathlib

import machine
import tokens
from peers.system import Server, System, post
from processes import Child, free_port, listens

TOPIC = "bench"


def configuration(port, transport):
    where = "\n      path mercure.db\n      size 10000" if transport == "bolt" else ""
    return f"""{{
  admin off
  auto_https off
  persist_config off
  log {{
    level ERROR
  }}
}}
http://:{port} {{
  bind 127.0.0.1
  mercure {{
    publisher_jwt {tokens.SECRET.replace(" ", "-")}
    subscriber_jwt {tokens.SECRET.replace(" ", "-")}
    anonymous
    write_timeout 0s
    heartbeat 15s
    transport {transport} {{{where}
    }}
  }}
}}
"""


class Mercure(System):
    name = "mercure"
    title = "Mercure"
    program = "mercure"
    has_users = True

    def version(self):
        return "0.24.2, Caddy " + machine.output(self.path(), "version").split(" ")[0]

    def start(self, folder, core, users=False, transport="local", **_):
        port = free_port()
        config = pathlib.Path(folder) / "Caddyfile"
        config.write_text(configuration(port, transport), encoding="utf-8")
        env = {"GOMAXPROCS": "1", "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        child = Child(self.name, [self.path(), "run", "--config", config, "--adapter", "caddyfile"], folder, core,
                      env)
        child.wait_for(lambda: listens(port))
        topic = "{user}" if users else TOPIC
        subscribe = {"path": f"/.well-known/mercure?topic={topic}", "headers": [["Last-Event-ID", "{id}"]]}
        jwt = tokens.token("publisher", secret=tokens.SECRET.replace(" ", "-"), mercure={"publish": ["*"]})
        publish = post(port, "/.well-known/mercure", f"topic={topic}&data={{payload}}",
                       [("Authorization", f"Bearer {jwt}")], "application/x-www-form-urlencoded")
        return Server(child, port, subscribe, publish, user="u{n}")
