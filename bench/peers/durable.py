"""durable-streams (Rust), its mode without a write-ahead log. A stream of it ends after 60 seconds by design, and a
control frame with the offset follows every batch; there are no `id:` lines."""
import http.client

from peers.system import Server, System, post
from processes import Child, Failure, free_port, listens

STREAM = "/bench"


class DurableStreams(System):
    name = "durable-streams"
    title = "durable-streams"
    program = "durable-streams-server"
    has_ids = False

    def version(self):
        return "0.1.5"  # the version that bench/peers/setup installs; the program does not say

    def command(self, port, folder):
        return [self.path(), "--host", "127.0.0.1", "--port", port, "--data-dir", f"{folder}/data",
                "--durability", "memory", "--tail-cache-bytes", "65536"]

    def start(self, folder, core, **_):
        port = free_port()
        child = Child(self.name, self.command(port, folder), folder, core)
        child.wait_for(lambda: listens(port))
        call = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        call.request("PUT", STREAM, headers={"Content-Type": "application/json"})
        if call.getresponse().status not in (200, 201):
            child.stop()
            raise Failure("durable-streams does not make a stream")
        call.close()
        subscribe = {"path": STREAM + "?offset=now&live=sse", "headers": []}
        return Server(child, port, subscribe, post(port, STREAM, "{payload}"))
