"""What was published, what each roaming client got, and what is wrong with that. Pure: no socket, no clock."""
import collections
import dataclasses
import threading
import typing

EVERYBODY = "*"


@dataclasses.dataclass
class Told:
    """One event that somebody published."""

    id: str
    tag: str        # unmistakable, in the event's data
    audience: str   # a user id, or EVERYBODY
    category: str
    ours: bool
    retained: bool


class Ledger:
    """Filled by many threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.by_tag = {}   # (tag, audience) -> Told: one publish of ours may go to several users
        self.unanswered = 0

    def add(self, told):
        with self._lock:
            assert (told.tag, told.audience) not in self.by_tag, told
            self.by_tag[told.tag, told.audience] = told

    def find(self, tag, user):
        with self._lock:
            return self.by_tag.get((tag, str(user))) or self.by_tag.get((tag, EVERYBODY))

    def due(self, user, categories=None):
        """What a client of this user must get: all that was retained for it."""
        with self._lock:
            return [t for t in self.by_tag.values() if t.retained and t.audience in (str(user), EVERYBODY)
                    and (categories is None or t.category in categories)]


class Got(typing.NamedTuple):
    id: typing.Optional[str]
    tag: str
    category: str


@dataclasses.dataclass
class Journey:
    """One client over all its connections: the legs between its cuts, each in order of arrival."""

    user: str
    categories: typing.Optional[list] = None
    legs: list = dataclasses.field(default_factory=list)
    gaps: list = dataclasses.field(default_factory=list)

    def tags(self):
        return {got.tag for leg in self.legs for got in leg}


def faults(ledger, journey, log_order):
    """Each broken promise as a sentence. `log_order`: event id -> its place in the user's log."""
    found = [f"told of a gap: {gap}" for gap in journey.gaps]
    tags = journey.tags()
    found += [f"lost: {told}" for told in ledger.due(journey.user, journey.categories) if told.tag not in tags]
    times = collections.Counter()
    newest = ""
    for number, leg in enumerate(journey.legs):
        named, places = collections.Counter(), []
        for got in leg:
            told = ledger.find(got.tag, journey.user)
            if told is None:
                found.append(f"leg {number}: nobody published this for {journey.user}: {got}")
                continue
            if journey.categories is not None and told.category not in journey.categories:
                found.append(f"leg {number}: filtered out, and came: {got}")
            if got.id is not None and (got.id != told.id or not told.retained):
                found.append(f"leg {number}: an id that is not its own: {got}, published as {told}")
            if told.ours and told.retained:
                times[told.id] += 1
                if got.id is None or got.id <= newest:
                    found.append(f"leg {number}: out of order: {got} after {newest}")
                newest = got.id or newest
            if got.id is not None:
                named[got.id] += 1
                if got.id in log_order:
                    places.append((log_order[got.id], told))
        found += [f"leg {number}: {count} times on one connection: {id_}" for id_, count in named.items() if count > 1]
        found += [f"leg {number}: not in the order of the log: {after[1]} came after {before[1]}"
                  for before, after in zip(places, places[1:]) if after[0] < before[0]]
    found += [f"doubled: {id_} came {count} times" for id_, count in times.items() if count > 1]
    return found
