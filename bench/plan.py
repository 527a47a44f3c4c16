"""What is measured: steps with a name, their place in scenarios, and what a step may ask of the run it is in."""
import dataclasses
import typing

import load
from processes import Failure, Folder, peak_kb, server_core
from peers import SYSTEMS, floor

LEVELS = ("quick", "standard", "full")


@dataclasses.dataclass
class Step:
    """One measurement: of one system, under one condition. `measure` returns one Found or several."""
    point: str
    system: str
    seconds: float           # about how long, at scale 1
    measure: typing.Callable
    once: bool = False       # in the first run alone, unless everything is asked for: it is dear, and varies little


def once(step):
    return dataclasses.replace(step, once=True)


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    steps: typing.Callable   # (Choice) -> [Step]


@dataclasses.dataclass
class Found:
    figures: dict
    counts: dict = dataclasses.field(default_factory=dict)
    notes: list = dataclasses.field(default_factory=list)
    valid: bool = True
    raw: dict = dataclasses.field(default_factory=dict)
    point: str = ""          # only where a step finds several


@dataclasses.dataclass
class Choice:
    """What was asked for on the command line."""
    systems: tuple
    level: str = "standard"
    scale: float = 1.0
    smoke: bool = False

    def of(self, *names):
        return [name for name in names if name in self.systems]

    def seconds(self, seconds):
        return max(0.25, seconds * self.scale)

    def number(self, number, least=10):
        """A number of streams or events; tiny in a smoke run, which only shows that everything goes to its end."""
        return max(least, number // 200) if self.smoke else number

    def full(self):
        return self.level == "full"

    def quick(self):
        return self.level == "quick"


class Running:
    """A system started for one step, in a folder that goes with it."""

    def __init__(self, name, **options):
        self._system = floor.FloorEcho() if name == "floor-echo" else SYSTEMS[name]
        self._options = options
        self._folder = Folder(name)

    def __enter__(self):
        self.folder = self._folder.__enter__()
        try:
            self.server = self._system.start(self.folder, server_core(), **self._options)
        except BaseException:
            self._folder.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.server.stop()
        finally:
            self._folder.__exit__()

    def load(self, limit=120, **document):
        """The generator's result; members given here win over the system's, `publish` is merged."""
        publish = {**self.server.publish, **document.pop("publish", {})}
        result = load.run({**self.server.document(), "connect_concurrency": self._system.connect_concurrency,
                           "publish": publish, **document}, self.folder, limit)
        if not self.server.child.running():
            raise Failure(f"{self.server.child.name} ended meanwhile: {self.server.child.last_words()}")
        return result

    def warm(self, choice):
        """A moment with one stream, so that what a server touches once for all is not put on its streams' bill."""
        self.load(mode="fanout", streams=1, seconds=choice.seconds(0.4), rate=50, event_bytes=200)

    def peak_mib(self):
        return peak_kb(self.server.pids()) / 1024


def found(result, figures, **more):
    """A Found whose counts match, or an invalid one that says what does not."""
    counted = load.counts(result)
    notes = load.complaints(counted)
    if not_all_good := [note for note in notes if not note.startswith("unpublished")]:
        notes += [f"it was told: {result[name]}" for name in ("first_publish_failure", "first_refusal") if name in result]
    return Found(figures, counted, notes + more.pop("notes", []), not not_all_good, result, **more)
