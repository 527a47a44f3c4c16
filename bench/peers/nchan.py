"""nchan in nginx with one worker: event ids on, a history in shared memory, tuned as its documents say (no access log,
room for all connections in the worker: nginx begins to close idle ones when a sixteenth is left)."""
import os
import pathlib

from peers.system import Server, System, post
from processes import Child, free_port, listens
import machine

MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


def configuration(port):
    root = "user root;\n" if os.geteuid() == 0 else ""
    temp = "".join(f"  {what}_temp_path {what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""{root}load_module {MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 32768; use epoll; multi_accept on; }}
http {{
  access_log off;
{temp}  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600;
  nchan_shared_memory_size 512M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /pub {{
      nchan_publisher http;
      nchan_channel_id bench;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 1h;
    }}
    location ~ ^/pub/(.+)$ {{
      nchan_publisher http;
      nchan_channel_id user_$1;
      nchan_message_buffer_length 100;
      nchan_message_timeout 1h;
    }}
    location = /sub {{
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }}
    location ~ ^/sub/(.+)$ {{
      nchan_subscriber eventsource;
      nchan_channel_id user_$1;
      nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 15;
    }}
  }}
}}
"""


class Nchan(System):
    name = "nchan"
    title = "nchan on nginx"
    program = "nginx"
    how = "tools/setup bench"
    has_users = True

    def missing(self):
        return super().missing() or (None if MODULE.exists() else f"its module is not installed ({self.how})")

    def version(self):
        package = machine.output("dpkg-query", "-W", "-f=${Version}", "libnginx-mod-nchan")
        return f"{package}, {machine.output(self.path(), '-v').removeprefix('nginx version: ')}"

    def start(self, folder, core, users=False, **_):
        port = free_port()
        config = pathlib.Path(folder) / "nginx.conf"
        config.write_text(configuration(port), encoding="utf-8")
        child = Child(self.name, [self.path(), "-p", folder, "-c", config, "-e", f"{folder}/start.log"], folder,
                      core)
        child.wait_for(lambda: listens(port))
        tail = "/{user}" if users else ""
        subscribe = {"path": "/sub" + tail, "headers": [["Accept", "text/event-stream"], ["Last-Event-ID", "{id}"]]}
        return Server(child, port, subscribe, post(port, "/pub" + tail, "{payload}"), user="u{n}")
