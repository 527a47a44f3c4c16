"""Ids are positions: reads them, and puts the terms that a run has seen into an order.

An id is a UUIDv7: 48 bits of milliseconds, version, 12 bits of sequence, variant, 32 bits of the term's tag,
16 of its number, 14 of the partition. Positions compare by (term, milliseconds, sequence). Two terms may have
one number (an isolated old master and the promoted replica; a restored dump), so a term is its (number, tag), and
terms are ordered by number, then by when the run first saw them. Where a store may forget its terms (FLUSHALL,
an older dump) numbers may repeat and fall, and only the first sight counts.
"""
import re
import typing

_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")


class Parsed(typing.NamedTuple):
    number: int
    tag: int
    ms: int
    seq: int

    @property
    def term(self):
        return (self.number, self.tag)


def parse(text):
    """The parts of an id, or None if it is none of ours."""
    if not _UUID.match(text or ""):
        return None
    bits = int(text.replace("-", ""), 16)
    low = bits & ((1 << 62) - 1)
    return Parsed((low >> 14) & 0xFFFF, low >> 30, bits >> 80, (bits >> 64) & 0xFFF)


def mint(number, tag, ms, seq=0):
    """The id of a position; for tests of the checker."""
    bits = ms << 80 | 7 << 76 | seq << 64 | 2 << 62 | tag << 30 | number << 14
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Terms:
    """The order of all terms that were seen; `key(id)` compares as positions do."""

    def __init__(self, numbers_rise=True):
        self.numbers_rise = numbers_rise
        self._seen = {}  # (number, tag) -> time of the first sight
        self._ranks = None

    def observe(self, text, when):
        parsed = parse(text)
        if parsed is None:
            return
        if when < self._seen.get(parsed.term, float("inf")):
            self._seen[parsed.term] = when
            self._ranks = None

    def ranks(self):
        if self._ranks is None:
            def order(term):
                seen = self._seen[term]
                return (term[0], seen) if self.numbers_rise else (seen, term[0])
            self._ranks = {term: rank for rank, term in enumerate(sorted(self._seen, key=order))}
        return self._ranks

    def key(self, text):
        parsed = parse(text)
        if parsed is None or parsed.term not in self.ranks():
            return None
        return (self.ranks()[parsed.term], parsed.ms, parsed.seq)

    def list(self):
        """[(number, tag, first sight)] in order, for reports."""
        return [(number, f"{tag:08x}", self._seen[(number, tag)]) for number, tag in self.ranks()]


def describe(text):
    """`…1a2b term 5/1f00ab12 12345678.3`, for people who look for the place of a loss."""
    parsed = parse(text)
    if parsed is None:
        return f"{text!r} (no position)"
    return f"{text} (term {parsed.number}/{parsed.tag:08x}, {parsed.ms}.{parsed.seq})"
