"""What a run knows: every logical event with its attempts, every reader's record, every fault. Plain data.

Times are seconds since the run began. The checker works on these alone, so its own tests write them by hand.
"""
import dataclasses
import typing

ACKED, UNKNOWN, REFUSED = "acknowledged", "outcome unknown", "refused"


@dataclasses.dataclass
class Attempt:
    """One request that carried the event: when, to which hub, and what became of it for each audience."""
    began: float
    ended: float
    hub: str
    outcome: str
    ids: typing.Dict[str, str] = dataclasses.field(default_factory=dict)  # audience -> id
    note: str = ""


@dataclasses.dataclass
class Logical:
    """What an application calls one event; `n` stands in its data and tells it from all others."""
    n: int
    audiences: typing.Tuple[str, ...]  # "user:u1", "broadcast", "topic:t1"
    type: str
    category: str
    key: typing.Optional[str] = None
    path: str = "single"
    final: bool = False                # a sentinel: the last of its round
    attempts: typing.List[Attempt] = dataclasses.field(default_factory=list)

    def acked(self):
        """(audience, id, time) of each acknowledgement, in order of time."""
        return [(audience, id_, a.ended) for a in self.attempts for audience, id_ in a.ids.items()]

    def unknown(self):
        return sum(1 for a in self.attempts if a.outcome == UNKNOWN)


@dataclasses.dataclass
class Record:
    """One thing that a reader saw. `what`: open, close, event, or a control event's name without `tidings.`."""
    what: str
    at: float
    connection: int
    id: str = ""           # the block's own id, empty where it had none
    n: int = -1
    type: str = ""
    note: str = ""         # open: hub and cursor; close: why; gap: its data


@dataclasses.dataclass
class ReaderLog:
    """One client: who it is, what it asked for, and all it saw, over all its connections, in order."""
    name: str
    audiences: typing.Tuple[str, ...]
    categories: typing.Optional[typing.Tuple[str, ...]] = None
    on_gap: str = "live"
    earliest: bool = False
    slow: bool = False
    records: typing.List[Record] = dataclasses.field(default_factory=list)

    def wants(self, logical):
        """The audience by which this event is for this reader, or None."""
        if self.categories is not None and logical.category not in self.categories:
            return None
        return next((a for a in logical.audiences if a in self.audiences), None)


# What a fault does to the end of a term.
KEEPS = "keeps"      # no term ends, or its end is sealed for certain: no gap without a loss
REPORTS = "reports"  # sealed if every hub can report in time and nothing acknowledged was lost
OPEN = "open"        # nothing can seal it: gaps are right, whatever was lost


@dataclasses.dataclass
class Fault:
    kind: str
    began: float
    ended: float
    seal: str = KEEPS
    hubs: typing.Tuple[str, ...] = ()  # hubs that were down or cut off by it
    note: str = ""


@dataclasses.dataclass
class History:
    events: typing.Dict[int, Logical]
    readers: typing.List[ReaderLog]
    faults: typing.List[Fault]
    # id -> (n, audience): what the store held at the end
    kept: typing.Optional[typing.Dict[str, typing.Tuple[int, str]]] = None
    numbers_rise: bool = True    # the store never forgets a term
    lossless: bool = False       # an acknowledged event must be in the store at the end
    reports_seal: bool = False   # a gap without a loss is an error where the hubs' reports could seal the end
    problems: typing.List[str] = dataclasses.field(default_factory=list)  # crashes, wrong answers, stuck phases
