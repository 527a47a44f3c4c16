"""Tests of the proxy against an echo server: whose a connection is, and what each rule does to its bytes."""
import asyncio
import os
import unittest

from proxy import BLACKHOLE, CUT, DEAF, OPEN, STALL, Owners, Proxy

SHORT, LONG = 0.1, 5.0


class ProxyTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.heard = []

        async def echo(reader, writer):
            while data := await reader.read(1000):
                self.heard.append(data)
                writer.write(data)
            writer.close()
        self.server = await asyncio.start_server(echo, "127.0.0.1", 0)
        owners = Owners()
        owners.names[os.getpid()] = "me"
        self.proxy = await Proxy(owners, self.server.sockets[0].getsockname()[1]).start()
        await self.connect()

    async def asyncTearDown(self):
        self.writer.transport.abort()
        await self.proxy.stop()
        self.server.close()

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)

    async def ask(self, word, seconds=LONG):
        self.writer.write(word)
        try:
            return await asyncio.wait_for(self.reader.read(1000), seconds)
        except (asyncio.TimeoutError, ConnectionError) as error:
            return type(error)

    async def test_knows_whose_a_connection_is(self):
        self.assertEqual(await self.ask(b"a"), b"a")
        self.assertEqual([link.owner for link in self.proxy.links], ["me"])

    async def test_a_cut_ends_this_owners_connections_and_new_ones(self):
        await self.ask(b"a")
        self.proxy.set_rule("other", CUT)
        self.assertEqual(await self.ask(b"b"), b"b")
        self.proxy.set_rule("me", CUT)
        self.assertIn(await self.ask(b"c"), (b"", ConnectionResetError))
        await self.connect()
        self.assertIn(await self.ask(b"d"), (b"", ConnectionResetError))
        self.proxy.heal()
        await self.connect()
        self.assertEqual(await self.ask(b"e"), b"e")

    async def test_isolation_leaves_the_friends(self):
        await self.ask(b"a")
        self.proxy.isolate(["me"])
        self.assertEqual(await self.ask(b"b"), b"b")
        self.proxy.isolate(["other"])
        self.assertIn(await self.ask(b"c"), (b"", ConnectionResetError))

    async def test_a_stall_gives_everything_later(self):
        await self.ask(b"a")
        self.proxy.set_rule("me", STALL)
        self.assertEqual(await self.ask(b"b", SHORT), asyncio.TimeoutError)
        self.assertEqual(self.heard, [b"a"])
        self.proxy.set_rule("me", OPEN)
        self.assertEqual(await self.ask(b""), b"b")

    async def test_deaf_loses_the_answer_and_not_the_deed(self):
        await self.ask(b"a")
        self.proxy.set_rule("me", DEAF)
        self.assertEqual(await self.ask(b"b", SHORT), asyncio.TimeoutError)
        self.assertEqual(self.heard, [b"a", b"b"])
        self.proxy.heal()
        self.assertIn(await self.ask(b"c"), (b"", ConnectionResetError))

    async def test_a_blackhole_loses_both(self):
        await self.ask(b"a")
        self.proxy.set_rule("me", BLACKHOLE)
        self.assertEqual(await self.ask(b"b", SHORT), asyncio.TimeoutError)
        self.assertEqual(self.heard, [b"a"])


if __name__ == "__main__":
    unittest.main()
