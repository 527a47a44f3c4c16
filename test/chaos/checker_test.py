"""The checker's own tests: histories written by hand, each with one thing wrong, or with nothing wrong."""
import unittest

import checker
import history as h
from positions import Terms, mint, parse


class Story:
    """Writes a history. One user, `user:u`; positions are milliseconds in a term; time runs by tenths."""

    def __init__(self, on_gap="live", earliest=False, categories=None, **flags):
        self.reader = h.ReaderLog("r", ("user:u", "broadcast"), categories, on_gap, earliest)
        self.history = h.History({}, [self.reader], [], {}, **flags)
        self.now = 0.0
        self.connection = 1

    def tick(self):
        self.now += 0.1
        return self.now

    def publish(self, n, ms, term=(1, 7), outcome=h.ACKED, kept=True, key="k", category="alpha", final=False):
        id_ = mint(*term, ms)
        logical = self.history.events.get(n)
        if logical is None:
            logical = h.Logical(n, ("user:u",), "item.alpha", category, key, final=final)
            self.history.events[n] = logical
        ids = {"user:u": id_} if outcome == h.ACKED else {}
        logical.attempts.append(h.Attempt(self.tick(), self.now, "hub 1", outcome, ids))
        if kept:
            self.history.kept[id_] = (n, "user:u")
        return self

    def record(self, what, ms=None, term=(1, 7), n=-1, type_=""):
        id_ = "" if ms is None else mint(*term, ms)
        self.reader.records.append(h.Record(what, self.tick(), self.connection, id_, n, type_))
        return self

    def get(self, n, ms, term=(1, 7)):
        return self.record("event", ms, term, n, "item.alpha")

    def live(self, ms, term=(1, 7)):
        return self.record("caught_up", ms, term)

    def gap(self, ms=None, term=(1, 7)):
        return self.record("gap", ms, term)

    def fault(self, seal, began=None, ended=None, hubs=()):
        began = self.tick() if began is None else began
        self.history.faults.append(h.Fault("fault", began, began if ended is None else ended, seal, hubs))
        return self

    def end(self, ms=900, term=(1, 7), received=True):
        self.publish(99, ms, term, final=True)
        if received:
            self.get(99, ms, term)
        return checker.check(self.history)


class CheckerTest(unittest.TestCase):
    def expect(self, verdict, **counts):
        names = {"lost": "silently lost", "told": "told lost", "false_gaps": "false gaps", "doubled": "doubled",
                 "order": "out of order", "leaked": "leaked", "not_kept": "not kept", "stuck": "stuck",
                 "nothing": "told, nothing missing", "avoidable": "avoidable", "with_loss": "gaps with a loss",
                 "problems": "problems"}
        found = {short: verdict.counts[name] for short, name in names.items() if verdict.counts[name]}
        self.assertEqual(found, counts, verdict.cases)
        errors = {"lost", "false_gaps", "doubled", "order", "leaked", "not_kept", "stuck", "problems"}
        self.assertEqual(verdict.ok, not errors & set(counts))

    def test_a_whole_history_is_fine(self):
        story = Story().publish(1, 10).live(20).publish(2, 30).get(2, 30).record("close").live(40)
        self.expect(story.publish(3, 50).get(3, 50).record("checkpoint", 60).end())

    # Lost

    def test_finds_a_lost_event(self):
        self.expect(Story().live(20).publish(1, 30).publish(2, 40).get(2, 40).end(), lost=1)

    def test_finds_a_lost_event_before_a_caught_up(self):
        self.expect(Story().live(20).publish(1, 30).record("close").live(40).end(), lost=1)

    def test_finds_an_event_that_is_lost_after_the_gap_was_told(self):
        self.expect(Story().live(20).fault(h.OPEN).gap(40).live(40).publish(1, 50).end(), lost=1, nothing=1)

    def test_finds_a_lost_event_between_a_gap_and_its_caught_up(self):
        self.expect(Story().live(20).fault(h.OPEN).gap(40).publish(1, 50).live(60).end(), lost=1, with_loss=1)

    def test_finds_an_event_that_the_store_kept_though_nobody_was_told_so(self):
        story = Story().live(20).publish(1, 30, outcome=h.UNKNOWN)
        self.expect(story.end(), lost=1)

    def test_finds_an_event_that_the_store_lost_silently(self):
        self.expect(Story().live(20).publish(1, 30, kept=False).end(), lost=1)

    def test_finds_a_loss_over_a_change_of_term(self):
        story = Story().live(20).publish(1, 30, kept=False).fault(h.REPORTS)
        self.expect(story.live(40, (2, 8)).end(50, (2, 8)), lost=1)

    def test_a_told_loss_is_none(self):
        self.expect(Story().live(20).publish(1, 30).gap(40).live(40).end(), told=1, with_loss=1)

    def test_a_told_loss_over_a_change_of_term_is_none(self):
        story = Story().live(20).publish(1, 30, kept=False).fault(h.REPORTS).gap(40, (2, 8))
        self.expect(story.live(40, (2, 8)).end(50, (2, 8)), told=1, with_loss=1)

    def test_a_gap_without_id_tells_up_to_the_next_marker(self):
        self.expect(Story().live(20).publish(1, 30).gap().live(40).end(), told=1, with_loss=1)

    def test_what_lies_before_the_first_caught_up_need_not_come(self):
        self.expect(Story().publish(1, 10).live(20).end())

    def test_an_event_of_another_category_need_not_come(self):
        story = Story(categories=("alpha",)).live(20).publish(1, 30, category="beta")
        self.expect(story.end())

    def test_an_unacknowledged_event_that_is_gone_need_not_come(self):
        self.expect(Story().live(20).publish(1, 30, outcome=h.UNKNOWN, kept=False).end())

    def test_an_old_masters_event_is_told_to_who_did_not_get_it(self):
        # The isolated master goes on in term 1; the term 2 of the new one began at a smaller time.
        story = Story().live(20).publish(1, 80, kept=False).publish(2, 50, (2, 8)).fault(h.OPEN)
        self.expect(story.gap(45, (2, 8)).get(2, 50, (2, 8)).end(90, (2, 8)), told=1, with_loss=1)
        story = Story().live(20).publish(1, 80, kept=False).publish(2, 50, (2, 8)).fault(h.OPEN)
        self.expect(story.get(2, 50, (2, 8)).end(90, (2, 8)), lost=1)

    def test_an_earliest_reader_gets_all_that_is_kept(self):
        story = Story(earliest=True).publish(1, 10, kept=False).publish(2, 20).publish(3, 30)
        self.expect(story.get(3, 30).live(40).end(), lost=1)

    # Gaps

    def test_finds_a_false_gap(self):
        story = Story().live(20).publish(1, 30).get(1, 30)
        self.expect(story.gap(35).live(40).end(), false_gaps=1)

    def test_finds_a_false_gap_after_a_link_fault(self):
        self.expect(Story().live(20).fault(h.KEEPS).gap(35).live(40).end(), false_gaps=1)

    def test_a_gap_after_an_open_end_is_not_false(self):
        self.expect(Story().live(20).fault(h.OPEN).gap(35).live(40).end(), nothing=1)

    def test_a_fault_long_ago_excuses_nothing(self):
        story = Story().fault(h.OPEN)
        story.now = 60.0
        self.expect(story.live(20).gap(35).live(40).end(), false_gaps=1)

    def test_reports_could_have_sealed(self):
        self.expect(Story().live(20).fault(h.REPORTS).gap(35).live(40).end(), nothing=1, avoidable=1)
        self.expect(Story(reports_seal=True).live(20).fault(h.REPORTS).gap(35).live(40).end(), false_gaps=1)

    def test_reports_of_a_dead_hub_cannot_seal(self):
        story = Story(reports_seal=True).live(20).fault(h.KEEPS, hubs=("hub 1",)).fault(h.REPORTS)
        self.expect(story.gap(35).live(40).end(), nothing=1)

    def test_an_event_of_others_that_was_lost_leaves_the_end_open(self):
        story = Story(reports_seal=True).live(20)
        story.history.events[5] = h.Logical(5, ("user:v",), "item.alpha", "alpha", attempts=[
            h.Attempt(0.1, 0.2, "hub 1", h.ACKED, {"user:v": mint(1, 7, 33)})])
        self.expect(story.fault(h.REPORTS).gap(35).live(40).end(), nothing=1)

    def test_a_lost_event_of_another_category_justifies_a_gap(self):
        story = Story(categories=("alpha",)).live(20).publish(1, 30, category="beta", kept=False)
        self.expect(story.gap(35).live(40).end(), with_loss=1)
        story = Story(categories=("alpha",)).live(20).publish(1, 30, category="beta")
        self.expect(story.gap(35).live(40).end(), false_gaps=1)

    # Order and doubles

    def test_finds_a_doubled_event(self):
        self.expect(Story().live(20).publish(1, 30).get(1, 30).record("close").get(1, 30).end(), doubled=1)

    def test_a_told_replay_may_double(self):
        story = Story(on_gap="replay").live(20).publish(1, 30).get(1, 30).publish(2, 35, kept=False)
        self.expect(story.fault(h.OPEN).gap(25).get(1, 30).live(40, (2, 8)).end(50, (2, 8)), told=1, with_loss=1)

    def test_a_told_replay_has_all_that_is_kept(self):
        story = Story(on_gap="replay").live(20).publish(1, 30).publish(2, 35).get(1, 30).get(2, 35)
        story.publish(3, 37).fault(h.OPEN).gap(25).get(1, 30).get(2, 35).live(40, (2, 8))
        self.expect(story.end(50, (2, 8)), lost=1, with_loss=1)

    def test_finds_two_ids_of_one_key(self):
        story = Story().live(20).publish(1, 30, outcome=h.UNKNOWN).publish(1, 40).get(1, 30).get(1, 40)
        self.expect(story.end(), doubled=1)

    def test_a_lost_first_id_of_a_key_does_not_count(self):
        story = Story().live(20).publish(1, 30, outcome=h.UNKNOWN, kept=False).publish(1, 40).get(1, 30).get(1, 40)
        self.expect(story.end())
        story = Story(lossless=True).live(20).publish(1, 30, outcome=h.UNKNOWN, kept=False).publish(1, 40)
        self.expect(story.get(1, 30).get(1, 40).end(), doubled=1)

    def test_without_a_key_an_unknown_attempt_may_double(self):
        story = Story().live(20).publish(1, 30, outcome=h.UNKNOWN, key=None).publish(1, 40, key=None)
        self.expect(story.get(1, 30).get(1, 40).end())

    def test_finds_a_refused_event_that_is_delivered(self):
        story = Story().live(20).publish(1, 30, outcome=h.REFUSED, key=None).get(1, 30)
        self.expect(story.end(), doubled=1)

    def test_finds_an_event_out_of_order(self):
        story = Story().live(20).publish(1, 30).publish(2, 40).get(2, 40).get(1, 30)
        self.expect(story.end(), order=1)

    def test_finds_an_event_below_a_caught_up(self):
        self.expect(Story().live(20).publish(1, 30).live(40).get(1, 30).end(), order=1)

    def test_finds_a_caught_up_that_goes_back(self):
        self.expect(Story().live(20).live(19).end(), order=1)

    # The rest

    def test_finds_what_is_not_kept(self):
        story = Story(lossless=True).live(20).publish(1, 30, kept=False).get(1, 30)
        self.expect(story.end(), not_kept=1)

    def test_finds_what_is_not_for_this_reader(self):
        story = Story(categories=("alpha",)).live(20).publish(1, 30, category="beta").get(1, 30)
        self.expect(story.end(), leaked=1)
        self.expect(Story().live(20).get(77, 30).end(), leaked=1)

    def test_finds_a_reader_that_is_stuck(self):
        self.expect(Story().live(20).end(received=False), stuck=1)

    def test_a_case_tells_its_surroundings(self):
        verdict = Story().live(20).publish(1, 30).fault(h.KEEPS).publish(2, 40).get(2, 40).end()
        text = verdict.cases["silently lost"][0]
        for part in ("n=1", "hub 1", "nobody got it", "n=2", "fault", "term 1/00000007"):
            self.assertIn(part, text)


class TermsTest(unittest.TestCase):
    def test_an_id_is_its_position(self):
        text = "01a201f5-6546-7000-b98f-ec3100008000"
        parsed = parse(text)
        self.assertEqual(parsed.number, 2)
        self.assertEqual(mint(parsed.number, parsed.tag, parsed.ms, parsed.seq), text)
        self.assertIsNone(parse("nonsense"))

    def test_terms_of_one_number_are_in_order_of_first_sight(self):
        terms = Terms()
        for when, term in enumerate([(2, 9), (3, 1), (3, 2), (1, 5)]):
            terms.observe(mint(*term, 10), when)
        self.assertEqual([t[0:2] for t in terms.list()],
                         [(1, "00000005"), (2, "00000009"), (3, "00000001"), (3, "00000002")])

    def test_where_numbers_fall_first_sight_decides(self):
        terms = Terms(numbers_rise=False)
        terms.observe(mint(5, 1, 10), 0.0)
        terms.observe(mint(1, 2, 5), 1.0)
        self.assertLess(terms.key(mint(5, 1, 10)), terms.key(mint(1, 2, 5)))


if __name__ == "__main__":
    unittest.main()
