"""HTTP/1.1 requests over one kept connection, strict enough to tell "not sent" from "sent and unanswered"."""
import asyncio

from sse import Chunks, Malformed


class NotSent(Exception):
    """No connection: nothing of the request has left."""


class Unanswered(Exception):
    """The request left, in part at least, and no whole answer came. `body` is what came of it."""

    def __init__(self, why, status=0, body=b""):
        super().__init__(why)
        self.status = status
        self.body = body


class Head:
    def __init__(self, text):
        lines = text.split("\r\n")
        parts = lines[0].split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise Malformed(f"the status line is {lines[0]!r}")
        self.status = int(parts[1])
        self.fields = {}
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                self.fields[name.lower()] = value.strip()


async def read_head(reader):
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    return Head(text)


class Connection:
    def __init__(self, port):
        self.port = port
        self._reader = self._writer = None

    async def request(self, path, token, body, fields=(), seconds=8.0):
        """(status, body) of a POST."""
        if self._writer is None:
            try:
                self._reader, self._writer = await asyncio.wait_for(
                    asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20), 3.0)
            except (OSError, asyncio.TimeoutError) as error:
                raise NotSent(str(error) or "no connection in time") from error
        head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}",
                f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in fields), "", ""]
        state = {"status": 0, "body": b""}
        try:
            self._writer.write("\r\n".join(head).encode() + body)
            await asyncio.wait_for(self._answer(state), seconds)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, asyncio.LimitOverrunError, Malformed) as e:
            self.close()
            raise Unanswered(type(e).__name__, state["status"], state["body"]) from e
        except asyncio.CancelledError:
            self.close()
            raise
        return state["status"], state["body"]

    async def _answer(self, state):
        head = await read_head(self._reader)
        while head.status == 100:
            head = await read_head(self._reader)
        state["status"] = head.status
        if "chunked" in head.fields.get("transfer-encoding", ""):
            chunks = Chunks()
            while not chunks.ended:
                data = await self._reader.read(65536)
                if not data:
                    raise asyncio.IncompleteReadError(b"", None)
                state["body"] += chunks.feed(data)
        else:
            length = int(head.fields.get("content-length", "0"))
            state["body"] = await self._reader.readexactly(length)
        if head.fields.get("connection", "").lower() == "close":
            self.close()

    def close(self):
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
