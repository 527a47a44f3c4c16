#!/usr/bin/env python3
"""What a published event costs on Redis: through a hub, over bare pipelined XADD, on the same server in the same run.

Prints for each way events per second and the processor time of Redis and of the hub for an event, and the ratios to
bare XADD. Processor time is what to look at on a machine that does other things too.

    bench/redis_cost.py --bin build/release/tidings
    bench/redis_cost.py --bin build/release/tidings --batches 1,8,64 --logs 1,1000 --rounds 5
"""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SECRET = "a secret that only this measurement knows, and nobody else"
ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 30
MAXLEN = 1000  # as the hub's default for users


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token():
    head = part(b'{"alg":"HS256","typ":"JWT"}')
    claims = {"sub": "publisher", "exp": int(time.time()) + 86400, "tidings": {"publish": ["*"]}}
    body = part(json.dumps(claims).encode())
    return f"{head}.{body}.{part(hmac.new(SECRET.encode(), f'{head}.{body}'.encode(), hashlib.sha256).digest())}"


def user(number):
    text = hashlib.sha256(str(number).encode()).hexdigest()
    return f"0190c0de-{text[:4]}-7{text[4:7]}-8{text[7:10]}-{text[10:22]}"


def data(number):
    """0.2 kB, like no other: texts that look alike are dear in Lua, and real ones seldom do."""
    return json.dumps({"reason": hashlib.sha512(str(number).encode()).hexdigest() + "x" * 50}, separators=(",", ":"))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def pinned(core, command, **options):
    return subprocess.Popen(["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.DEVNULL, **options)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Redis:
    def __init__(self, directory, core):
        self.port = free_port()
        self.process = pinned(core, ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", directory,
                                     "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def call(self, *words):
        self.connection.sendall(command(*words))
        answer = b""
        while True:
            answer += self.connection.recv(65536)
            if answer[:1] in b"+-:" and answer.endswith(b"\r\n"):
                return answer[1:-2].decode()
            if answer[:1] == b"$" and b"\r\n" in answer:
                head, rest = answer.split(b"\r\n", 1)
                if len(rest) >= int(head[1:]) + 2:
                    return rest[:-2].decode()

    def cpu(self):
        """Seconds of the thread that does everything."""
        text = self.call("INFO", "cpu")
        return sum(float(x) for x in re.findall(r"used_cpu_(?:sys|user)_main_thread:(\S+)", text))

    def commands(self):
        text = self.call("INFO", "commandstats")
        return {name: (int(calls), int(usec))
                for name, calls, usec in re.findall(r"cmdstat_(\S+):calls=(\d+),usec=(\d+)", text)}


class Hub:
    def __init__(self, directory, binary, core, url, settings):
        directory.mkdir()
        (directory / "registry.toml").write_text((ROOT / "registry/finance.toml").read_text())
        values = {"server.listen": ["127.0.0.1:0"], "server.shards": 1, "store.url": url, "log.level": "warning",
                  "operations.listen": "127.0.0.1:0", "registry.file": str(directory / "registry.toml"), **settings}
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        lines.append(f'auth.key = [{{ algorithm = "HS256", secret = {json.dumps(SECRET)} }}]')
        (directory / "tidings.toml").write_text("\n".join(lines) + "\n")
        self.process = pinned(core, [binary, "serve", "--config", directory / "tidings.toml"], stdout=subprocess.PIPE)
        said = b""
        while b"operations on" not in said:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the hub did not start: {said.decode()}")
            said += line
        self.port = int(re.search(rb"listening on http://[^:]+:(\d+)", said)[1])

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command(*words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def fields_of(number, which=0):
    """An entry as the hub writes it; 0.2 kB of data."""
    name = user(number)
    meta = ('{"v": 1, "prev": "1-1795613992895-0", "audience": "user:%s", "category": "security"}' % name)
    return ["event_id", "01a21326-163f-7000-8198-97d900004000", "event_type", "security.login.failed", "data", data(which),
            "occurred_at", "2026-11-25T14:39:52.895000+00:00", "tidings", meta]


def message_of(number, which):
    fields = dict(zip(*[iter(fields_of(number, which))] * 2))
    return ('{"event_id": "%s", "event_type": "%s", "user_id": "%s", "data": %s, "occurred_at": "%s", "tidings": %s}'
            % (fields["event_id"], fields["event_type"], user(number), fields["data"], fields["occurred_at"], fields["tidings"]))


def pump(port, first, parts, wanted, count_in):
    """Sends the parts and reads until as many answers are there; the seconds from the first byte to the last answer."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(PATIENCE)
        started = time.monotonic()
        connection.sendall(first)

        def send():
            for one in parts:
                connection.sendall(one)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        seen, bad = 0, b""
        while seen < wanted:
            got = connection.recv(1 << 18)
            if not got:
                raise SystemExit(f"the connection ended after {seen} answers: {bad.decode(errors='replace')}")
            seen += count_in(got)
            bad = got[-300:]
        seconds = time.monotonic() - started
        sender.join()
        return seconds


def bare(redis, events, logs, publishes):
    """Pipelined XADD with MAXLEN ~, no more than 64 kB at once; with `publishes` a PUBLISH behind each."""
    block = b""
    for number in range(max(logs, 1000)):
        at = number % logs
        block += command("XADD", f"bare:stream:user:{user(at)}", "MAXLEN", "~", MAXLEN, "*", *fields_of(at, number))
        if publishes:
            block += command("PUBLISH", f"bare:user:{user(at)}", message_of(at, number))
    times = events // max(logs, 1000)
    made = times * max(logs, 1000)
    # Each answer of XADD is a text of two lines, each of PUBLISH a number.
    seconds = pump(redis.port, b"", [block] * times, made * (2 if publishes else 1),
                   lambda got: got.count(b"$") + got.count(b":"))
    return made, seconds


def through_hub(hub, events, logs):
    block = b""
    for number in range(max(logs, 1000)):
        block += json.dumps({"type": "security.login.failed", "user_id": user(number % logs),
                             "data": json.loads(data(number))}).encode() + b"\n"
    times = events // max(logs, 1000)
    made = times * max(logs, 1000)
    head = (f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\nContent-Type: "
            f"application/x-ndjson\r\nContent-Length: {len(block) * times}\r\n\r\n").encode()
    refused = []

    def count_in(got):
        if b'"problem"' in got and not refused:
            refused.append(got)
        return got.count(b'"id"') + got.count(b'"problem"')

    seconds = pump(hub.port, head, [block] * times, made, count_in)
    if refused:
        raise SystemExit(f"an event was refused: {refused[0].decode(errors='replace')[-600:]}")
    return made, seconds


class Measured:
    def __init__(self):
        self.rate, self.redis, self.hub, self.calls = [], [], [], {}

    def take(self, redis, hub, work):
        redis.call("CONFIG", "RESETSTAT")
        before, hub_before = redis.cpu(), hub.cpu() if hub else 0
        made, seconds = work()
        self.redis.append((redis.cpu() - before) / made * 1e6)
        self.hub.append((hub.cpu() - hub_before) / made * 1e6 if hub else 0)
        self.rate.append(made / seconds)
        self.calls = {name: (calls / made, usec / made) for name, (calls, usec) in redis.commands().items()
                      if calls >= made / 1000}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=str(ROOT / "build/release/tidings"))
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--logs", default="1,1000", help="into how many users' logs the events go")
    parser.add_argument("--batches", default="64", help="server.limits.append_batch")
    parser.add_argument("--set", action="append", default=[], help="another setting of the hub: NAME=JSON")
    parser.add_argument("--cores", default="0,1", help="Redis', and the hub's")
    parser.add_argument("--calls", action="store_true", help="also the commands within the scripts")
    parser.add_argument("--json")
    options = parser.parse_args()
    redis_core, hub_core = options.cores.split(",")
    more = {one.split("=", 1)[0]: json.loads(one.split("=", 1)[1]) for one in options.set}
    everything = []
    for logs in map(int, options.logs.split(",")):
        with tempfile.TemporaryDirectory() as room:
            redis = Redis(room, redis_core)
            hubs = {}
            try:
                for batch in map(int, options.batches.split(",")):
                    hubs[batch] = Hub(pathlib.Path(room) / f"hub{batch}", options.bin, hub_core,
                                      f"redis://127.0.0.1:{redis.port}/0",
                                      {"server.limits.append_batch": batch, "store.prefix": f"sse{batch}", **more})
                ways = {"bare XADD": Measured(), "bare XADD, PUBLISH": Measured()}
                ways.update({f"hub, {batch} a call": Measured() for batch in hubs})
                for _ in range(options.rounds):  # interleaved
                    ways["bare XADD"].take(redis, None, lambda: bare(redis, options.events, logs, False))
                    ways["bare XADD, PUBLISH"].take(redis, None, lambda: bare(redis, options.events, logs, True))
                    for batch, hub in hubs.items():
                        ways[f"hub, {batch} a call"].take(redis, hub,
                                                          lambda hub=hub: through_hub(hub, options.events, logs))
            finally:
                for hub in hubs.values():
                    stop(hub.process)
                stop(redis.process)
        base = ways["bare XADD"]
        print(f"\n{logs} log(s), {options.events} events, medians of {options.rounds}")
        print(f"{'':22}{'events/s':>10}{'ratio':>7}{'Redis us':>10}{'ratio':>7}{'hub us':>8}")
        for name, way in ways.items():
            rate, cost = statistics.median(way.rate), statistics.median(way.redis)
            rate_ratio, cost_ratio = rate / statistics.median(base.rate), statistics.median(base.redis) / cost
            print(f"{name:22}{rate:10.0f}{rate_ratio:7.2f}{cost:10.2f}{cost_ratio:7.2f}"
                  f"{statistics.median(way.hub):8.2f}")
            if options.calls:
                print("    " + ", ".join(f"{n} {c:.2f} x, {u:.2f} us" for n, (c, u) in sorted(way.calls.items())))
            everything.append({"logs": logs, "way": name, "rate": way.rate, "redis_us": way.redis, "hub_us": way.hub,
                               "ratio_rate": rate_ratio, "ratio_redis": cost_ratio})
        sys.stdout.flush()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
