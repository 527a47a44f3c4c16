"""The floors: what nothing but sending costs. Programs of bench/floor, with the same frames and socket options."""
import re

import load
from peers.system import Server, System, post
from processes import Child


class Floor(System):
    how = "the release build"
    arguments = ()

    def path(self):
        return load.program(self.program)

    def version(self):
        return "of this tree"

    def start(self, folder, core, users=False, heartbeat=None, **_):
        beats = ("--heartbeat", heartbeat) if heartbeat else ()
        child = Child(self.name, [self.path(), *self.arguments, *beats], folder, core)
        child.wait_for(lambda: "listening on" in child.said())
        port = int(re.search(r"listening on http://[^:]+:(\d+)", child.said())[1])
        subscribe = {"path": "/{user}" if users else "/", "headers": []}
        body = "{user} {payload}" if users else "{payload}"
        return Server(child, port, subscribe, post(port, "/", body), user="u{n}")


class FloorSend(Floor):
    name = "floor"
    title = "floor: one `send` per event and stream"
    program = "floor_send"
    has_users = True


class FloorUring(Floor):
    name = "floor-uring"
    title = "floor: the same through io_uring"
    program = "floor_uring"


class FloorEcho(Floor):
    name = "floor-echo"
    title = "floor: bare echo"
    program = "floor_echo"
