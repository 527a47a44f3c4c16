"""Many open streams, read by one thread over raw sockets, so that no reader is slow by accident."""
import selectors
import socket
import struct
import threading
import time
import urllib.parse

import tokens
from hub import SECRET
from sse_decoder import HttpDecoder, SseDecoder, Violation
from waiting import PATIENCE


class Stream:
    """One client's open response. What it holds is written by the pump's thread under the pump's condition."""

    def __init__(self, pump, connection, cut_after):
        self._pump = pump
        self._connection = connection
        self._bytes_left = cut_after  # bytes after which this client cuts itself, wherever that is; None: never
        self._http = HttpDecoder()
        self._sse = SseDecoder()
        self.body = b""       # of an answer other than 200
        self.events = []
        self.ended = None     # "clean", "unclean", "cut" (by this client)
        self.violation = None

    # ---- what has come

    @property
    def status(self):
        return self._http.status

    @property
    def last_id(self):
        """What an EventSource would come back with: the id of the last whole frame that had one."""
        return self._sse.last_id

    @property
    def retries(self):
        return self._sse.retries

    @property
    def heartbeats(self):
        return self._sse.heartbeats

    @property
    def data_events(self):
        return [event for event in list(self.events) if not event.is_control]

    @property
    def gaps(self):
        return [event.json for event in list(self.events) if event.type == "tidings.gap"]

    # ---- waiting

    def wait(self, check, what, seconds=PATIENCE):
        """Waits until `check(self)` holds. A violation of the wire's form fails at once."""
        deadline = time.monotonic() + seconds
        with self._pump.condition:
            while not check(self):
                if self.violation is not None:
                    raise AssertionError(f"the hub broke the wire's form: {self.violation}")
                left = deadline - time.monotonic()
                if left <= 0 or not self._pump.condition.wait(min(left, 0.5)) and time.monotonic() > deadline:
                    raise AssertionError(f"not within {seconds} s: {what}; status {self.status}, ended {self.ended}, "
                                         f"{len(self.events)} events, the last: {self.events[-8:]}")
        return self

    def live(self, times=1, seconds=PATIENCE):
        """Waits until the stream has said so many times that it is live."""
        return self.wait(lambda s: sum(e.type == "tidings.caught_up" for e in s.events) >= times,
                         f"{times} times caught up", seconds)

    def receives(self, count, seconds=PATIENCE):
        """Waits for that many events that are not the hub's own; these events."""
        self.wait(lambda s: len(s.data_events) >= count, f"{count} events", seconds)
        return self.data_events

    def receives_reason(self, reason, seconds=PATIENCE):
        """Waits for the event whose data holds this reason; the event."""
        def found(stream):
            return [e for e in stream.data_events if reason_of(e) == reason]
        self.wait(found, f"an event with the reason {reason!r}", seconds)
        return found(self)[0]

    def reasons(self):
        return [reason_of(event) for event in self.data_events]

    # ---- leaving

    def close(self):
        self._pump.drop(self, reset=False)

    def reset(self):
        self._pump.drop(self, reset=True)

    # ---- for the pump alone

    def fileno(self):
        return self._connection.fileno()

    def take(self):
        """Reads what is there; whether the stream is still open."""
        try:
            data = self._connection.recv(262_144)
        except BlockingIOError:
            return True
        except OSError:
            self.ended = "unclean"
            return False
        if self._bytes_left is not None:
            data = data[:self._bytes_left]
            self._bytes_left -= len(data)
        try:
            body = self._http.feed(data)
            if self.status == 200:
                self.events += self._sse.feed(body)
            else:
                self.body += body
        except Violation as violation:
            self.violation = violation
            return False
        if self._bytes_left == 0:
            self.ended = "cut"
        elif self._http.finished:
            self.ended = "clean"
        elif not data:
            self.ended = "unclean"
        return self.ended is None

    def shut(self, reset=False):
        if reset:
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


def reason_of(event):
    data = event.json
    return data.get("reason") if isinstance(data, dict) else None


class StreamPump:
    def __init__(self):
        self.condition = threading.Condition()
        self.opened = []
        self._selector = selectors.DefaultSelector()
        self._closing = False
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def open(self, hub, user, last_event_id=None, cut_after=None, query_id=None, **query):
        """GET /events as this user. `last_event_id` goes in the field, `query_id` in the query."""
        if query_id is not None:
            query["last_event_id"] = query_id
        target = "/api/v1/events" + ("?" + urllib.parse.urlencode(query) if query else "")
        head = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{hub.port}", "Accept: text/event-stream",
                f"Authorization: Bearer {tokens.reader(user, SECRET)}"]
        if last_event_id is not None:
            head.append(f"Last-Event-ID: {last_event_id}")
        connection = socket.create_connection(("127.0.0.1", hub.port), PATIENCE)
        connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        connection.setblocking(False)
        stream = Stream(self, connection, cut_after)
        with self.condition:
            self.opened.append(stream)
            self._selector.register(stream, selectors.EVENT_READ)
        self._waker.send(b"x")
        return stream

    def drop(self, stream, reset):
        with self.condition:
            if stream.fileno() >= 0:
                self._forget(stream, reset)
            if stream.ended is None:
                stream.ended = "cut"

    def close(self):
        with self.condition:
            self._closing = True
        self._waker.send(b"x")
        self._thread.join(PATIENCE)
        for stream in self.opened:
            if stream.fileno() >= 0:
                stream.shut()
        self._selector.close()
        self._wake.close()
        self._waker.close()

    def violations(self):
        return [stream.violation for stream in self.opened if stream.violation is not None]

    def _forget(self, stream, reset=False):
        self._selector.unregister(stream)
        stream.shut(reset)

    def _run(self):
        while True:
            ready = self._selector.select(0.5)
            with self.condition:
                if self._closing:
                    return
                for key, _ in ready:
                    stream = key.fileobj
                    if stream is self._wake:
                        self._wake.recv(4096)
                    elif stream.fileno() >= 0 and not stream.take():
                        self._forget(stream)
                self.condition.notify_all()
