"""Reads a stream strictly: the chunks of HTTP/1.1, and the event stream as WHATWG's interpretation says."""


class Malformed(Exception):
    pass


class Chunks:
    """Takes the bytes of a chunked body, gives its content as it comes. `ended` after the last chunk."""

    def __init__(self):
        self._buffer = b""
        self._left = 0       # of the chunk's content
        self._state = "size"
        self.ended = False

    def feed(self, data):
        self._buffer += data
        out = []
        while self._buffer and not self.ended:
            if self._state == "content":
                part = self._buffer[:self._left]
                out.append(part)
                self._buffer = self._buffer[len(part):]
                self._left -= len(part)
                if self._left == 0:
                    self._state = "after"
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                if len(line) > 64:
                    raise Malformed(f"a chunk's size line is {line[:80]!r}")
                break
            self._buffer = rest
            if self._state == "after":
                if line:
                    raise Malformed(f"after a chunk comes {line[:80]!r}")
                self._state = "size"
            elif self._state == "trailer":
                self.ended = not line
            else:
                try:
                    self._left = int(line.split(b";")[0], 16)
                except ValueError:
                    raise Malformed(f"a chunk's size is {line[:80]!r}") from None
                self._state = "content" if self._left else "trailer"
        return b"".join(out)


class Parser:
    """Bytes in, dispatched events out: (type, data, own id or ""), as an EventSource would.

    `last_id` is what the client returns with; `retry_ms` the last that was told. An unfinished block is lost
    with its connection: make a new parser for each, and carry last_id over.
    """

    def __init__(self, last_id=""):
        self.last_id = last_id
        self.retry_ms = None
        self._id_buffer = last_id
        self._buffer = b""
        self._started = False
        self._reset()

    def _reset(self):
        self._data = []
        self._type = ""
        self._own_id = ""

    def feed(self, data):
        """The events that these bytes complete."""
        events = []
        self._buffer += data
        if not self._started and len(self._buffer) >= 3:
            self._started = True
            if self._buffer.startswith(b"\xef\xbb\xbf"):
                self._buffer = self._buffer[3:]
        while True:
            line = self._line()
            if line is None:
                return events
            if line == "":
                event = self._dispatch()
                if event is not None:
                    events.append(event)
            else:
                self._field(line)

    def _line(self):
        ends = [e for e in (self._buffer.find(b"\n"), self._buffer.find(b"\r")) if e >= 0]
        if not ends:
            return None
        end = min(ends)
        width = 1
        if self._buffer[end:end + 1] == b"\r":
            if end + 1 == len(self._buffer):
                return None  # a LF may follow
            width = 2 if self._buffer[end + 1:end + 2] == b"\n" else 1
        line = self._buffer[:end].decode("utf-8", "strict")
        self._buffer = self._buffer[end + width:]
        return line

    def _field(self, line):
        if line.startswith(":"):
            return
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id_buffer = self._own_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value)

    def _dispatch(self):
        self.last_id = self._id_buffer
        event = (self._type or "message", "\n".join(self._data), self._own_id) if self._data else None
        self._reset()
        return event
