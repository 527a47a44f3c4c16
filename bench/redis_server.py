"""A redis-server of a run's own, and just enough of its protocol to ask it things."""
import shutil
import socket

from processes import Child, Failure, free_port, listens


class RedisServer:
    def __init__(self, folder, core, *options):
        path = shutil.which("redis-server")
        if path is None:
            raise Failure("redis-server is not installed (tools/setup bench)")
        self.port = free_port()
        self.child = Child("redis", [path, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly",
                                     "no", "--dir", folder, "--maxclients", "10000", *options], folder, core)
        self.child.wait_for(lambda: listens(self.port))
        self.url = f"redis://127.0.0.1:{self.port}"

    def ask(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as sock, sock.makefile("rb") as answers:
            sock.sendall(command(*words))
            return read_reply(answers)

    def clients(self):
        """[{name: value}] of CLIENT LIST."""
        return [dict(word.split("=", 1) for word in line.split(" ") if "=" in word)
                for line in self.ask("CLIENT", "LIST").decode().strip().split("\n")]

    def stop(self):
        self.child.stop()


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def read_reply(stream):
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind in b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [read_reply(stream) for _ in range(int(rest))]
    raise Failure(f"redis says {line.decode(errors='replace')}")
