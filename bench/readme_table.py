#!/usr/bin/env python3
"""Writes the comparison of README.md, between its markers, from result files.

    bench/readme_table.py bench/results/FILE.json...     rewrites README.md
    bench/readme_table.py --print FILE.json...           prints the table alone
"""
import dataclasses
import json
import pathlib
import sys

import measure
from peers import PEERS, SYSTEMS
from scenarios import connecting, fanout, memory, reconnecting

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
COLUMNS = ("ours", "floor", *PEERS)
BEHIND = (*fanout.GATHERED.values(), *fanout.AT_ONCE.values())


@dataclasses.dataclass
class Row:
    """Figures of one point, or of the best of several; `counts` are sums over all runs. Less is better everywhere."""
    what: str
    points: tuple
    figures: tuple = ()
    unit: str = ""
    counts: tuple = ()


ROWS = (
    Row("CPU per delivery, 1,000 streams at 50/s", (fanout.AT_50,), ("cpu_us_per_delivery",), "µs"),
    Row("the same, saturated", (fanout.FULL_1000,), ("cpu_us_per_delivery",), "µs"),
    Row("the same, 10,000 streams, saturated", (fanout.FULL_10000,), ("cpu_us_per_delivery",), "µs"),
    Row("CPU per delivery, several events per write", BEHIND, ("cpu_us_per_delivery",), "µs"),
    Row("latency p50 / p99, 1,000 streams at 50/s", (fanout.AT_50,), ("p50_ms", "p99_ms"), "ms"),
    Row("user memory per idle stream", (memory.IDLE,), ("user_bytes_connected",)),
    Row("CPU per connect", (connecting.CONNECT,), ("cpu_us_per_connect",), "µs"),
    Row("19,000 streams cut at once: all caught up after", (reconnecting.STORM,), ("caught_up_seconds",), "s"),
    Row("lost / doubled there", (reconnecting.STORM,), counts=("lost", "duplicated")),
)
# Why a system has no figure at a point.
NO_IDS = "sends no `id:` lines, so that a client cannot return with `Last-Event-ID`"
CANNOT = {
    (fanout.AT_50, "pushpin"): "cannot keep up with more than 20 events/s for 1,000 streams",
    (fanout.FULL_1000, "pushpin"): "cannot keep up with more than 20 events/s for 1,000 streams",
    (fanout.FULL_10000, "pushpin"): "not asked for more than 1,000 streams, as opening them takes too long",
    (reconnecting.STORM, "floor"): "keeps no history",
    (reconnecting.STORM, "durable-streams"): NO_IDS,
    (reconnecting.STORM, "centrifugo"): NO_IDS,
    (reconnecting.STORM, "pushpin"): "not asked for more than 1,000 streams, as opening them takes too long",
    **{(point, name): "this point compares Tidings and durable-streams alone"
       for point in BEHIND for name in ("floor", "nchan", "centrifugo", "mercure", "pushpin")},
}
NOT_MEASURED = "not measured in this result"


def files_median(results, point, system, figure):
    """The median over files of each file's median."""
    each = [measure.median(list(measure.pick(result["records"], point, system, figure).values()))
            for result in results]
    return measure.median([value for value in each if value is not None])


def size(value):
    return f"{value / 1000:.1f} kB" if value >= 1000 else f"{value:.0f} B"


def shown(values, row):
    if "bytes" in row.figures[0]:
        return size(values[0])
    return " / ".join(measure.text(value) for value in values if value is not None) + f" {row.unit}"


def summed(results, row, system):
    records = [record for result in results for record in result["records"]
               if record["system"] == system and record["point"] in row.points and "expected" in record["counts"]]
    if not records:
        return None
    sums = [sum(record["counts"].get(name, 0) for record in records) for name in row.counts]
    return sum(sums), " / ".join(f"{each:,}" for each in sums)


def value_of(results, system, row):
    """(the number to compare, its text) of a cell; None if nothing was measured."""
    if row.counts:
        return summed(results, row, system)
    found = []
    for point in row.points:
        values = [files_median(results, point, system, figure) for figure in row.figures]
        if values[0] is not None:
            found.append((values[0], shown(values, row)))
    return min(found) if found else None


def versions(results, name):
    version = results[-1]["versions"].get(name, "").split(",")[0]
    return "" if name == "floor" else version.removeprefix("tidings ")


def cells_of(results, row, systems, notes):
    """A row's cells; what is missing is a dash with the number of its note."""
    values = {name: value_of(results, name, row) for name in systems}
    # The floor delivers and does nothing else, so it is no competitor.
    best = min((value[0] for name, value in values.items() if value and name != "floor"), default=None)
    cells = []
    for name, value in values.items():
        if value is None:
            reason = CANNOT.get((row.points[0], name), NOT_MEASURED)
            cells.append(f"–<sup>{notes.setdefault(reason, len(notes) + 1)}</sup>")
        else:
            cells.append(f"**{value[1]}**" if name != "floor" and value[0] == best else value[1])
    return cells


def table(results):
    """The lines of the table, and behind it one line of notes if there are any."""
    systems = [name for name in COLUMNS
               if any(record["system"] == name for result in results for record in result["records"])]
    titles = ["floor F0" if name == "floor" else SYSTEMS[name].title.split(",")[0] for name in systems]
    lines, notes = ["| | " + " | ".join(titles) + " |", "|---" + "|--:" * len(systems) + "|"], {}
    for row in ROWS:
        if any(value_of(results, name, row) for name in systems):
            lines.append(f"| {row.what} | " + " | ".join(cells_of(results, row, systems, notes)) + " |")
    if notes:
        lines += ["", " ".join(f"<sup>{number}</sup> {reason}." for reason, number in notes.items())]
    return lines


def about(results):
    """Machine, kernel, versions, date, runs: without these the figures say nothing."""
    last = results[-1]
    machine = last["machine"]
    runs = sum(result["runs"] for result in results)
    named = [f"{SYSTEMS[name].title.split(',')[0]} {versions(results, name)}" for name in COLUMNS
             if name != "floor" and last["versions"].get(name)]
    often = f"medians of {runs} interleaved runs" if runs > 1 else "one run"
    warning = " **A smoke run: its figures mean nothing.**" if last.get("smoke") else ""
    return (f"One server core of an {machine['model']} ({machine['cores']} cores), Linux "
            f"{machine['kernel'].split('-')[0]}, loopback, 200-byte events, ids on; {often}, {last['started'][:10]}, "
            f"revision {last['revision']}; {', '.join(named)}. Less is better; the best of the servers is bold. Floor F0 "
            "is one bare `send` for each delivery and nothing else. `make bench` repeats it, "
            f"[bench/README.md](bench/README.md) says how it is measured.{warning}")


def block(results):
    return [BEGIN, "", *table(results), "", about(results), "", END]


def replace(text, lines):
    """The text with what is between the markers replaced; fails where they are not there once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md needs one {BEGIN} and, after it, one {END}")
    before, rest = text.split(BEGIN)
    return before + "\n".join(lines) + rest.split(END)[1]


def main():
    names = [name for name in sys.argv[1:] if name != "--print"]
    if not names or any(name.startswith("-") for name in names):
        sys.exit(__doc__)
    results = [json.loads(pathlib.Path(name).read_text(encoding="utf-8")) for name in names]
    if "--print" in sys.argv:
        print("\n".join(block(results)))
        return
    README.write_text(replace(README.read_text(encoding="utf-8"), block(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
