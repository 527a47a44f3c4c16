"""Tests of what requests hold and what their answers mean."""
import json
import unittest

import bodies
from history import ACKED, REFUSED, UNKNOWN, Logical


def logical(n=1, audiences=("user:u",), key="k", path="single"):
    return Logical(n, audiences, "item.alpha", "alpha", key, path)


class BodiesTest(unittest.TestCase):
    def test_a_key_stands_in_the_body_or_in_the_field(self):
        self.assertIn(b"idempotency_key", bodies.build("single", [logical()], "").body)
        request = bodies.build("single", [logical()], "", header_key=True)
        self.assertNotIn(b"idempotency_key", request.body)
        self.assertIn(("Idempotency-Key", "k"), request.fields)
        request = bodies.build("array", [logical(key="b/0"), logical(2, key="b/1")], "", header_key=True)
        self.assertIn(("Idempotency-Key", "b"), request.fields)

    def test_reads_a_single_answer_with_an_id_for_each_audience(self):
        request = bodies.build("users", [logical(audiences=("user:u", "user:v"), path="users")], "")
        read = bodies.read_answer(request, 201, b'{"id":"1","ids":["1","2"]}')
        self.assertEqual(read, [(ACKED, {"user:u": "1", "user:v": "2"}, "")])

    def test_each_item_of_a_batch_stands_alone(self):
        request = bodies.build("array", [logical(), logical(2), logical(3)], "")
        problem = {"type": "urn:tidings:problem:outcome-unknown"}
        away = {"type": "urn:tidings:problem:store-unavailable"}
        answer = [{"status": 201, "ids": ["1"]}, {"status": 503, "problem": problem}, {"status": 503, "problem": away}]
        read = bodies.read_answer(request, 200, json.dumps(answer).encode())
        self.assertEqual([r[0] for r in read], [ACKED, UNKNOWN, REFUSED])

    def test_a_cut_ndjson_answer_says_what_its_lines_say(self):
        request = bodies.build("ndjson", [logical(), logical(2)], "")
        read = bodies.read_answer(request, 200, b'{"status":201,"ids":["1"]}\n{"sta', whole=False)
        self.assertEqual([r[0] for r in read], [ACKED, UNKNOWN])

    def test_a_cut_answer_is_unknown_and_a_wrong_one_is_reported(self):
        request = bodies.build("single", [logical()], "")
        self.assertEqual(bodies.read_answer(request, 201, b"{", whole=False)[0][0], UNKNOWN)
        self.assertTrue(bodies.read_answer(request, 201, b'{"ids":[]}')[0][2].startswith("wrong answer"))
        self.assertTrue(bodies.read_answer(request, 422, b"{}")[0][2].startswith("unexpected 422"))


if __name__ == "__main__":
    unittest.main()
