"""Decides of a finished run what was lost, told, doubled. It knows every event and every reader's whole record.

Words. An *item* is an event for one audience under one id that a reader has to get: an id that a publisher was
given by 200, 201 or 202 (acknowledged), or that the store held at the end (kept; only where the store was read).
A *marker* is an event with an id, a `caught_up` or a `checkpoint`: each says "all before me was sent or told".
Positions compare as positions.py says.

A reader's record, over all its connections, is cut into *segments* at each `gap`. A segment covers (lo, hi]:
lo is the id of the gap that began it, or, if that has none, its first marker; of the first segment the first
`caught_up` (an earliest reader: everything); hi is its highest marker.

SILENTLY LOST: an item for the reader's audiences and categories that it never received, in any connection,
    though a segment covers its position. (So it lies neither before the first `caught_up`, nor in a told gap.)
    Readers with on_gap=replay return to older positions after a gap: there an item counts only if the
    store still has it, or it was acknowledged after that gap.
TOLD LOST: an item never received that no segment covers, below the reader's last marker: a gap stands between the
    last marker before it and the first after it.
FALSE GAP: a gap with no item missing between the markers around it, in any category of the reader's audiences
    (a hub need not know the category of what was lost), where the end was sealed: no fault that could
    leave an end open overlaps the time from 15 s before the last marker was received to the gap. Faults: KEEPS
    never excuses. OPEN always does. REPORTS does if an acknowledged event was lost by the store, or a hub was down
    or cut off within 12 s of it (a lease is 10 s), or always, where the history says reports_seal=False.
TOLD, NOTHING MISSING: the same gap where such a fault excuses it. It is counted, and it is no error. Of these,
    AVOIDABLE: all hubs were there to report and nothing acknowledged was lost.
DOUBLED: one id twice to one client (with on_gap=replay: with no gap between); or two ids for one event and audience:
    both kept at the end, or both acknowledged where the store is lossless (or delivered, where it has no
    replicas to go on with), if it has an idempotency key; without a key: more ids than attempts that may have stored it.
OUT OF ORDER: an event at or below a marker before it in the same segment, or a marker below one.
LEAKED: an event whose audience or category is not the reader's; or an id-less event of a retained type; or an event
    that nobody published, or of another type than was published.
NOT KEPT: acknowledged, and not in the store at the end, where the store is lossless.
STUCK: after everything was healed the reader did not get a sentinel, the last event of its audiences.
"""
import bisect
import collections
import dataclasses

import history as h
from positions import Terms, describe

LEASE = 12.0
REPORTS_LATE = 8.0
SLACK = 15.0
BOTTOM = (-1, 0, 0)
ERRORS = ("silently lost", "false gaps", "doubled", "out of order", "leaked", "not kept", "stuck", "problems")


@dataclasses.dataclass
class Item:
    id: str
    key: tuple
    logical: h.Logical
    audience: str
    acked: float  # when; infinity if it was only found in the store


@dataclasses.dataclass
class Segment:
    lo: tuple
    hi: tuple
    gap: h.Record = None      # the gap that began it
    hi_at: float = 0.0        # when the highest marker was received
    first: tuple = None       # the first marker
    start: int = 0            # the record that began it


class Verdict:
    def __init__(self):
        self.counts = collections.Counter()
        self.cases = collections.defaultdict(list)  # error -> [text]

    def add(self, what, text="", count=1):
        self.counts[what] += count
        if text:
            self.cases[what].append(text)

    @property
    def ok(self):
        return not any(self.counts[e] for e in ERRORS)


class Checker:
    def __init__(self, history):
        self.history = history
        self.terms = Terms(history.numbers_rise)
        self.verdict = Verdict()
        self.by_audience = collections.defaultdict(list)  # audience -> items in order
        self.delivered = collections.defaultdict(set)     # (n, audience) -> ids

    def run(self):
        self._observe()
        self._collect_items()
        seen = [(reader, *self._segments(reader)) for reader in self.history.readers]
        for reader, received, segments in seen:
            self._check_reader(reader, received, segments)
        self._check_identities()
        if self.history.lossless:
            for item in self._lost_by_store:
                self.verdict.add("not kept", f"acknowledged and not in the store: {self._event(item)}")
        for text in self.history.problems:
            self.verdict.add("problems", text)
        return self.verdict

    # ---- what there is

    def _observe(self):
        for logical in self.history.events.values():
            for _, id_, when in logical.acked():
                self.terms.observe(id_, when)
        for reader in self.history.readers:
            for record in reader.records:
                self.terms.observe(record.id, record.at)
        for id_ in self.history.kept or ():
            self.terms.observe(id_, 1e9)

    def _collect_items(self):
        items = {}
        for logical in self.history.events.values():
            for audience, id_, when in logical.acked():
                items.setdefault((id_, audience), (logical, when))
        kept = self.history.kept
        for id_, (n, audience) in (kept or {}).items():
            logical = self.history.events.get(n)
            if logical is None or audience not in logical.audiences:
                self.verdict.add("leaked", f"the store of {audience} holds n={n}, which is not for it: {describe(id_)}")
                continue
            items.setdefault((id_, audience), (logical, float("inf")))
        for (id_, audience), (logical, when) in items.items():
            key = self.terms.key(id_)
            if key is None:
                self.verdict.add("problems", f"n={logical.n} was acknowledged with {id_!r}, which is no id")
                continue
            self.by_audience[audience].append(Item(id_, key, logical, audience, when))
        for list_ in self.by_audience.values():
            list_.sort(key=lambda item: item.key)
        self._lost_by_store = [] if kept is None else [
            item for list_ in self.by_audience.values() for item in list_ if item.id not in kept]
        self._losses = sorted(item.acked for item in self._lost_by_store)
        self.verdict.counts["lost by the store"] = len(self._lost_by_store)

    def _is_kept(self, item):
        return self.history.kept is None or item.id in self.history.kept

    # ---- one reader

    def _check_reader(self, reader, received, segments):
        if not segments:
            self.verdict.add("stuck", f"{reader.name} never became live\n" + self._tail(reader))
            return
        missing = [item for audience in reader.audiences for item in self.by_audience[audience]
                   if item.id not in received]
        wanted = [item for item in missing if reader.wants(item.logical)
                  and (self._is_kept(item) or not reader.earliest)]
        wanted.sort(key=lambda item: item.key)
        last = max(segment.hi for segment in segments)
        for item in wanted:
            cover = next((s for s in segments if s.lo < item.key <= s.hi and not self._excused(reader, s, item)), None)
            if cover is not None:
                self.verdict.add("silently lost", self._loss(reader, item, cover))
            elif segments[0].lo < item.key <= last:
                self.verdict.add("told lost")
        gone = [item.key for item in missing if not reader.wants(item.logical) and not self._is_kept(item)]
        keys = sorted([item.key for item in wanted] + gone)
        for before, after in zip(segments, segments[1:]):
            self._check_gap(reader, before, after, keys)
        if not any(r.what == "event" and self._is_final(r.n) for r in reader.records):
            self.verdict.add("stuck", f"{reader.name} ({', '.join(reader.audiences)}) got no sentinel\n"
                             + self._tail(reader))

    def _is_final(self, n):
        logical = self.history.events.get(n)
        return logical is not None and logical.final

    def _segments(self, reader):
        """(ids received, segments); counts what is out of order, doubled or not this reader's on the way."""
        received, since_gap, segments = set(), set(), []
        current = Segment(BOTTOM, BOTTOM, first=BOTTOM) if reader.earliest else None
        if current is not None:
            segments.append(current)
        for index, record in enumerate(reader.records):
            if record.what == "gap":
                key = self.terms.key(record.id)
                if current is None and not reader.earliest and key is None:
                    continue
                current = Segment(key, key, record, record.at, start=index)
                segments.append(current)
                since_gap = set()
                self.verdict.add("gaps")
                continue
            if record.what == "event":
                self._check_event(reader, index, record, received, since_gap)
            if record.what not in ("event", "caught_up", "checkpoint"):
                continue
            key = self.terms.key(record.id)
            if key is None:
                continue
            if current is None:
                if record.what != "caught_up":
                    self.verdict.add("out of order", f"{reader.name}: {record.what} before the first caught_up\n"
                                     + self._around(reader, index))
                current = Segment(key, key, None, record.at, key, index)
                segments.append(current)
                continue
            self._extend(reader, index, record, key, current)
        return received, [s for s in segments if s.lo is not None]

    def _extend(self, reader, index, record, key, segment):
        if segment.lo is None:
            segment.lo = segment.hi = key
        elif record.what == "event" and key <= segment.hi and not record.note == "doubled":
            self.verdict.add("out of order", f"{reader.name}: {describe(record.id)} at or below what came before\n"
                             + self._around(reader, index))
        elif key < segment.hi:
            self.verdict.add("out of order", f"{reader.name}: {record.what} {describe(record.id)} goes back\n"
                             + self._around(reader, index))
        if segment.first is None:
            segment.first = key
        if key >= segment.hi:
            segment.hi, segment.hi_at = key, record.at

    def _check_event(self, reader, index, record, received, since_gap):
        logical = self.history.events.get(record.n)
        audience = reader.wants(logical) if logical else None
        if logical is None or audience is None or logical.type != record.type or not record.id:
            why = ("nobody published it" if logical is None else "not for this reader" if audience is None
                   else "another type" if logical.type != record.type else "no id")
            self.verdict.add("leaked", f"{reader.name}: {why}: n={record.n} {record.type} {record.id}\n"
                             + self._around(reader, index))
            return
        self.verdict.add("delivered")
        self.delivered[(record.n, audience)].add(record.id)
        if record.id in (since_gap if reader.on_gap == "replay" else received):
            record.note = "doubled"
            self.verdict.add("doubled", f"{reader.name} got {describe(record.id)} n={record.n} twice\n"
                             + self._around(reader, index))
        received.add(record.id)
        since_gap.add(record.id)

    def _excused(self, reader, segment, item):
        """A replay after a told gap goes over positions of which the store has lost some."""
        return (reader.on_gap == "replay" and segment.gap is not None and not self._is_kept(item)
                and item.acked < segment.gap.at)

    # ---- gaps

    def _check_gap(self, reader, before, after, missing):
        until = max(after.lo, after.first or after.lo, before.hi)
        if reader.on_gap == "replay" and after.lo < before.hi:
            until = (float("inf"),)  # the replay begins below; what is gone lies somewhere in it
        at = bisect.bisect_right(missing, before.hi)
        if at < len(missing) and missing[at] <= until:
            self.verdict.add("gaps with a loss")
            return
        since, gap = before.hi_at - SLACK, after.gap
        causes = [f for f in self.history.faults if f.seal != h.KEEPS and f.began <= gap.at and f.ended >= since]
        excuses = [f for f in causes if self._may_be_open(f)]
        if excuses or (causes and not self.history.reports_seal):
            self.verdict.add("told, nothing missing")
            if not excuses:
                self.verdict.add("avoidable")
        else:
            index = next(i for i, r in enumerate(reader.records) if r is gap)
            self.verdict.add("false gaps", f"{reader.name} was told {gap.note} at {gap.at:.3f} s though nothing is "
                             f"missing between the ids around it\n{self._around(reader, index)}\n"
                             + self._faults(since, gap.at))

    def _may_be_open(self, fault):
        """Whether the hubs' reports may fail to seal the end that this fault made."""
        if fault.seal == h.OPEN:
            return True
        if fault.hubs and fault.ended - fault.began > REPORTS_LATE:
            return True
        near = lambda other: other.began <= fault.ended + LEASE and other.ended >= fault.began - LEASE
        if any(f is not fault and f.hubs and near(f) for f in self.history.faults):
            return True
        at = bisect.bisect_left(self._losses, fault.began - LEASE)
        return at < len(self._losses) and self._losses[at] <= fault.ended

    # ---- one event

    def _check_identities(self):
        kept = collections.defaultdict(set)
        for id_, (n, audience) in (self.history.kept or {}).items():
            kept[(n, audience)].add(id_)
        for logical in self.history.events.values():
            for audience in logical.audiences:
                acked = {id_ for a, id_, _ in logical.acked() if a == audience}
                self.verdict.counts["acknowledged" if acked else "unacknowledged"] += 1
                stored = kept[(logical.n, audience)]
                every = acked | stored | self.delivered[(logical.n, audience)]
                if logical.key is None:
                    allowed, found = len(acked) + logical.unknown(), every
                elif self.history.lossless:
                    # Readers may see an event before a replica has it, so a failover may lose what they saw.
                    allowed, found = 1, acked | stored if self.history.reports_seal else every
                else:
                    allowed, found = 1, stored
                if len(found) > allowed:
                    self.verdict.add("doubled", f"n={logical.n} for {audience} has {len(found)} ids where {allowed} "
                                     f"may be: {', '.join(describe(i) for i in sorted(found))}\n"
                                     + self._attempts(logical))

    # ---- words for people

    def _event(self, item):
        return (f"n={item.logical.n} for {item.audience}, {item.logical.type}, {describe(item.id)}\n"
                + self._attempts(item.logical))

    @staticmethod
    def _attempts(logical):
        return "\n".join(f"    attempt by {logical.path} to {a.hub} {a.began:.3f}-{a.ended:.3f} s: {a.outcome} "
                         f"{' '.join(a.ids.values())} {a.note}".rstrip() for a in logical.attempts)

    def _loss(self, reader, item, segment):
        def beyond(record):
            key = self.terms.key(record.id) if record.what in ("event", "caught_up", "checkpoint") else None
            return key is not None and key > item.key
        index = next((i for i in range(segment.start, len(reader.records)) if beyond(reader.records[i])),
                     len(reader.records) - 1)
        when = reader.records[index].at
        store = "in the store at the end" if self._is_kept(item) else "gone from the store"
        got = item.id in self.delivered[(item.logical.n, item.audience)]
        return (f"{reader.name} (slow: {reader.slow}, on_gap={reader.on_gap}) never got {self._event(item)}\n"
                f"    {store}; {'others' if got else 'nobody'} got it; this reader passed it at:\n"
                f"{self._around(reader, index)}\n{self._faults(when - 10, when + 1)}\n"
                f"    terms (number, tag, first seen): {self.terms.list()}")

    def _around(self, reader, index, each=4):
        lines = []
        for i in range(max(0, index - each), min(len(reader.records), index + each + 1)):
            r = reader.records[i]
            where = describe(r.id) if r.id else "-"
            n = f" n={r.n}" if r.n >= 0 else ""
            lines.append(f"    {'>' if i == index else ' '} {r.at:9.3f} s #{r.connection} {r.what}{n} {where} {r.note}")
        return "\n".join(line.rstrip() for line in lines)

    def _tail(self, reader):
        return self._around(reader, len(reader.records) - 1, 8)

    def _faults(self, since, until):
        found = [f for f in self.history.faults if f.began <= until and f.ended >= since]
        return "\n".join(f"    fault {f.began:.3f}-{f.ended:.3f} s {f.kind} [{f.seal}] {f.note}" for f in found) \
            or "    no fault at that time"


def check(history):
    return Checker(history).run()
