"""Fills a hub's log quickly: one chunked request of many lines, its answers read meanwhile."""
import collections
import json
import socket
import threading

from processes import Failure

LINES_PER_CHUNK = 512


def line(number, pad):
    return ('{"type":"bench.event","broadcast":true,"data":{"~":"%012d.0000000000000000000","pad":"%s"}}\n'
            % (number, pad))


class Answers:
    """Takes the bytes of an HTTP/1.1 answer with chunks; gives the whole lines of its body."""

    def __init__(self):
        self._raw, self._line, self.ended, self.status = b"", b"", False, None

    def feed(self, data):
        raw = self._raw + data
        if self.status is None:
            head, mark, rest = raw.partition(b"\r\n\r\n")
            if not mark:
                self._raw = raw
                return []
            self.status, raw = int(head.split(b" ", 2)[1]), rest
        at, parts = 0, [self._line]
        while not self.ended:
            start = raw.find(b"\r\n", at) + 2
            if start < 2:
                break
            size = int(raw[at:start - 2], 16)
            if len(raw) < start + size + 2:
                break
            parts.append(raw[start:start + size])
            at = start + size + 2
            self.ended = size == 0
        self._raw = raw[at:]
        *lines, self._line = b"".join(parts).split(b"\n")
        return lines


def fill(server, events, first=1, keep=16):
    """Publishes that many events of 200 bytes; the ids of the last `keep`."""
    publish = server.publish
    headers = "".join(f"{name}: {value}\r\n" for name, value in publish["headers"])
    pad = "x" * (200 - len(json.dumps({"~": f"{0:012}.{0:019}", "pad": ""}, separators=(",", ":"))))
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.settimeout(30)
        sock.sendall(f"POST {publish['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
                     "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        writer = threading.Thread(target=_write, args=(sock, events, first, pad), daemon=True)
        writer.start()
        ids = _read(sock, events, keep)
        writer.join()
    return ids


def _write(sock, events, first, pad):
    try:
        for start in range(first, first + events, LINES_PER_CHUNK):
            numbers = range(start, min(start + LINES_PER_CHUNK, first + events))
            text = "".join(line(number, pad) for number in numbers).encode()
            sock.sendall(b"%x\r\n%b\r\n" % (len(text), text))
        sock.sendall(b"0\r\n\r\n")
    except OSError:
        return  # the reader says why


def _read(sock, events, keep):
    answers, last, count = Answers(), collections.deque(maxlen=keep), 0
    while not answers.ended:
        data = sock.recv(1 << 20)
        if not data:
            break
        for text in answers.feed(data):
            if text:
                count += 1
                last.append(text)
    if answers.status != 200 or count != events:
        raise Failure(f"filling the log: status {answers.status}, {count} of {events} answered")
    found = [json.loads(text) for text in last]
    if any(each.get("status") != 201 for each in found):
        raise Failure(f"filling the log: {found[-1]}")
    return [each["id"] for each in found]
