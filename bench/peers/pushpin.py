"""Pushpin in front of a backend of ten lines: each request is held as a stream of one channel, events come in by its
HTTP control port, each a whole block with an id. All of its processes are its bill, the backend is not."""
import pathlib
import sys

import machine
from peers.system import Server, System, post
from processes import Child, Failure, free_port, generator_core, listens

INTERNAL = pathlib.Path("/usr/lib/pushpin/internal.conf")
BACKEND = pathlib.Path(__file__).with_name("pushpin_backend.py")


def internal(text):
    """Its own internal.conf, with the HTTP client beside it in the run's folder rather than the machine's one."""
    return text.replace("ipc:///var/run/zurl/", "ipc://{rundir}/{ipc_prefix}")


def configuration(folder, port, control):
    ipc = f"ipc://{folder}/run/bench-"
    return f"""[global]
include={folder}/internal.conf
rundir={folder}/run
ipc_prefix=bench-
port_offset=0
stats_connection_ttl=120

[runner]
services=condure,zurl,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:{port}
logdir={folder}/logs
log_level=1
client_buffer_size=8192
client_maxconn=19000

[proxy]
routesfile={folder}/routes
updates_check=off
sig_key=bench

[handler]
push_in_spec={ipc}push
push_in_sub_specs={ipc}push-sub
push_in_http_addr=127.0.0.1
push_in_http_port={control}
push_in_http_max_headers_size=10000
push_in_http_max_body_size=1000000
stats_spec={ipc}stats
command_spec={ipc}command
message_rate=1000000000
message_hwm=1000000000
message_wait=5000
id_cache_ttl=60
connection_subscription_max=20
subscription_linger=60
stats_connection_ttl=120
stats_subscription_ttl=60
stats_report_interval=10
stats_format=tnetstring
"""


class Pushpin(System):
    name = "pushpin"
    title = "Pushpin"
    program = "pushpin"
    how = "tools/setup bench"
    max_streams = 1000          # at two milliseconds for each connection
    connect_concurrency = 16    # with more, its proxy answers 502 where the machine is busy

    def missing(self):
        return super().missing() or (None if INTERNAL.exists() else f"{INTERNAL} is not there ({self.how})")

    def version(self):
        return machine.output("dpkg-query", "-W", "-f=${Version}", "pushpin")

    def start(self, folder, core, **_):
        folder = pathlib.Path(folder)
        for name in ("run", "logs"):
            (folder / name).mkdir()
        port, control, back = free_port(), free_port(), free_port()
        (folder / "internal.conf").write_text(internal(INTERNAL.read_text(encoding="utf-8")), encoding="utf-8")
        (folder / "routes").write_text(f"* 127.0.0.1:{back}\n", encoding="utf-8")
        config = folder / "pushpin.conf"
        config.write_text(configuration(folder, port, control), encoding="utf-8")
        backend = Child("pushpin-backend", [sys.executable, "-B", BACKEND, back], folder, generator_core())
        try:
            backend.wait_for(lambda: listens(back))
            child = Child(self.name, [self.path(), "--config", config], folder, core)
            try:
                child.wait_for(lambda: listens(port) and listens(control))
            except Failure:
                child.stop()
                raise
        except Failure:
            backend.stop()
            raise
        data = r'{\"s\":\"{stamp}\",\"pad\":\"{pad}\"}'  # the same event; quotes inside a JSON string
        body = ('{"items":[{"channel":"bench","formats":{"http-stream":{"content":"id: {n}\\nevent: bench\\ndata: '
                + data + '\\n\\n"}}}]}')
        return Server(child, port, {"path": "/", "headers": []}, post(control, "/publish/", body), [backend])
