"""A strict reader of a hub's answer to GET /events: bytes in, events out, no socket.

It refuses whatever docs/wire.md does not promise, so that a slip of the framing fails the test that saw it. A browser
would forgive much of it.
"""
import json
import re

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
HEAD = {"content-type": "text/event-stream", "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no", "x-content-type-options": "nosniff"}


class Violation(Exception):
    """The hub broke the form of the wire."""


class SseEvent:
    __slots__ = ("id", "type", "text", "at")

    def __init__(self, id_, type_, text):
        self.id = id_  # None: the frame had no id line
        self.type = type_
        self.text = text

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def is_control(self):
        return self.type.startswith("tidings.")

    def __repr__(self):
        return f"<{self.id} {self.type} {self.text[:120]}>"


def _refuse_constant(name):
    raise Violation(f"{name} is not JSON")


class SseDecoder:
    """The body of a stream."""

    def __init__(self):
        self._rest = b""
        self._fields = {}
        self._lines = 0
        self.retries = []
        self.heartbeats = 0
        self.last_id = None

    def feed(self, data):
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        events = []
        for line in lines:
            self._lines += 1
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line):
        if b"\r" in line or b"\0" in line:
            raise Violation(f"CR or NUL in {line!r}")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Violation(f"no UTF-8: {line[:200]!r}") from error
        if self._lines == 1 and text != ": tidings":
            raise Violation(f"the first line is {text!r}")
        if text == "":
            return self._dispatch()
        if text.startswith(": "):
            self.heartbeats += text == ": hb"
            return None
        name, colon, value = text.partition(": ")
        if not colon or name not in ("id", "event", "data", "retry"):
            raise Violation(f"an unknown line {text!r}")
        if name == "retry":
            if not re.fullmatch(r"[0-9]{1,9}", value) or self._fields:
                raise Violation(f"a retry out of its place: {text!r}")
            self.retries.append(int(value))
            return None
        order = ("id", "event", "data")
        if any(order.index(name) <= order.index(seen) for seen in self._fields):
            raise Violation(f"{name} after {list(self._fields)}")
        self._fields[name] = value
        return None

    def _dispatch(self):
        fields, self._fields = self._fields, {}
        if "event" not in fields or "data" not in fields:
            raise Violation(f"a block without event and data: {fields}")
        id_ = fields.get("id")
        if id_ is not None and not ID.match(id_):
            raise Violation(f"no bare UUID: {id_!r}")
        try:
            json.loads(fields["data"], parse_constant=_refuse_constant)
        except ValueError as error:
            raise Violation(f"no JSON: {fields['data'][:200]!r}") from error
        if id_ is not None:
            self.last_id = id_
        return SseEvent(id_, fields["event"], fields["data"])


class HttpDecoder:
    """Status line, fields and chunks of HTTP/1.1, strictly; yields the body's bytes."""

    def __init__(self):
        self.status = None
        self.fields = {}
        self.finished = False  # the last chunk has come
        self._rest = b""
        self._left = None      # bytes of the chunk that are still to come; None: a size line is next

    def feed(self, data):
        self._rest += data
        if self.status is None and not self._head():
            return b""
        if self.fields.get("transfer-encoding") != "chunked":
            body, self._rest = self._rest, b""
            return body
        return self._chunks()

    def _head(self):
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return False
        head, self._rest = self._rest[:end].decode("ascii"), self._rest[end + 4:]
        status, *lines = head.split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [ -~]+", status)
        if not match:
            raise Violation(f"no status line: {status!r}")
        for line in lines:
            name, colon, value = line.partition(": ")
            if not colon or name.lower() in self.fields:
                raise Violation(f"a field that is none, or is there twice: {line!r}")
            self.fields[name.lower()] = value
        self.status = int(match[1])
        if self.status == 200 and {name: self.fields.get(name) for name in HEAD} != HEAD:
            raise Violation(f"the head of a stream has {self.fields}")
        return True

    def _chunks(self):
        body = []
        while not self.finished:
            if self._left is None:
                line, newline, rest = self._rest.partition(b"\r\n")
                if not newline:
                    break
                if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", line):
                    raise Violation(f"no chunk size: {line[:100]!r}")
                self._rest, self._left = rest, int(line, 16)
            if len(self._rest) < self._left + 2:
                break
            part, ending = self._rest[:self._left], self._rest[self._left:self._left + 2]
            if ending != b"\r\n":
                raise Violation(f"a chunk ends with {ending!r}")
            self._rest = self._rest[self._left + 2:]
            self.finished = self._left == 0
            self._left = None
            body.append(part)
        return b"".join(body)
