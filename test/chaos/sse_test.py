"""Tests of the strict reader."""
import unittest

import sse


class ChunksTest(unittest.TestCase):
    def test_gives_the_same_content_however_the_bytes_are_cut(self):
        wire = b"5\r\nhello\r\n1;x=y\r\n \r\n0\r\n\r\n"
        for step in range(1, len(wire) + 1):
            chunks = sse.Chunks()
            out = b"".join(chunks.feed(wire[i:i + step]) for i in range(0, len(wire), step))
            self.assertEqual(out, b"hello ")
            self.assertTrue(chunks.ended)

    def test_refuses_what_is_no_chunk(self):
        for wire in (b"zz\r\n", b"1\r\nab\r\n", b"x" * 100):
            with self.assertRaises(sse.Malformed):
                sse.Chunks().feed(wire)


class ParserTest(unittest.TestCase):
    def test_dispatches_at_the_blank_line_and_keeps_the_id(self):
        wire = b": hi\nretry: 12\nid: 7\nevent: a\ndata: x\ndata: y\n\nevent: b\ndata:z\n\nid: 9\ndata: lost\n"
        for step in range(1, len(wire) + 1):
            parser = sse.Parser()
            events = []
            for i in range(0, len(wire), step):
                events += parser.feed(wire[i:i + step])
            self.assertEqual(events, [("a", "x\ny", "7"), ("b", "z", "")])
            self.assertEqual(parser.last_id, "7")
            self.assertEqual(parser.retry_ms, 12)

    def test_an_id_without_data_moves_the_cursor_alone(self):
        parser = sse.Parser("old")
        self.assertEqual(parser.feed(b"id: new\n\n"), [])
        self.assertEqual(parser.last_id, "new")

    def test_takes_every_line_end_and_a_mark(self):
        parser = sse.Parser()
        self.assertEqual(parser.feed(b"\xef\xbb\xbfdata: x\r\rdata: y\r\n\r\ndata: z\n\n"),
                         [("message", "x", ""), ("message", "y", ""), ("message", "z", "")])


if __name__ == "__main__":
    unittest.main()
