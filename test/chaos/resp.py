"""A small RESP2 client over asyncio. Every call has a deadline: a server that sleeps or is gone stops nobody."""
import asyncio


class RespError(Exception):
    """The server answered with an error."""


class Resp:
    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port, seconds=2.0):
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), seconds)
        return cls(reader, writer)

    async def call(self, *words, seconds=5.0):
        parts = [f"*{len(words)}\r\n".encode()]
        for word in words:
            data = word if isinstance(word, bytes) else str(word).encode()
            parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
        self._writer.write(b"".join(parts))
        return await asyncio.wait_for(self._answer(), seconds)

    async def _answer(self):
        line = (await self._reader.readuntil(b"\r\n"))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RespError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if rest == b"-1":
                return None
            return (await self._reader.readexactly(int(rest) + 2))[:-2]
        if kind == b"*":
            if rest == b"-1":
                return None
            answers = []
            for _ in range(int(rest)):  # an error inside does not end the array
                try:
                    answers.append(await self._answer())
                except RespError as error:
                    answers.append(error)
            return answers
        raise RespError(f"not RESP: {line[:60]!r}")

    def close(self):
        self._writer.close()


async def ask(port, *words, seconds=3.0):
    """One command on a connection of its own."""
    client = await Resp.connect(port, seconds)
    try:
        return await client.call(*words, seconds=seconds)
    finally:
        client.close()


FAILURES = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, RespError)


async def info(port, section):
    """INFO as a dictionary."""
    text = (await ask(port, "INFO", section)).decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
