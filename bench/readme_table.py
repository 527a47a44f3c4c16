#!/usr/bin/env python3
"""Writes the comparison of README.md, between its markers, from result files.

    bench/readme_table.py bench/results/FILE.json...     rewrites README.md
    bench/readme_table.py --print FILE.json...           prints the table alone
"""
import json
import pathlib
import sys

import measure
from peers import SYSTEMS
from scenarios import connecting, fanout, memory, reconnecting

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
README = pathlib.Path(__file__).resolve().parent.parent / "README.md"
# (heading, points, figure, unit, which is better); of several points the best is shown
COLUMNS = (
    ("deliveries per CPU-second, 1,000 streams at 50/s", (fanout.AT_50, fanout.AT_20), "deliveries_per_cpu_s", "", max),
    ("10,000 streams, saturated", (fanout.FULL_10000,), "deliveries_per_cpu_s", "", max),
    ("events faster than the sweep", tuple(fanout.BEHIND.values()), "deliveries_per_cpu_s", "", max),
    ("p50 / p99 at 50/s", (fanout.AT_50, fanout.AT_20), ("p50_ms", "p99_ms"), " ms", min),
    ("user memory per stream", (memory.IDLE,), ("user_bytes_connected", "user_bytes_after_broadcast"), "", min),
    ("CPU per connect", (connecting.CONNECT,), "cpu_us_per_connect", " µs", min),
    ("19,000 cut at once: back after", (reconnecting.STORM,), "caught_up_seconds", " s", min),
)


def files_median(results, point, system, figure):
    """The median over files of each file's median."""
    each = [measure.median(list(measure.pick(result["records"], point, system, figure).values()))
            for result in results]
    return measure.median([value for value in each if value is not None])


def size(value):
    return f"{value / 1000:.1f} kB" if value >= 1000 else f"{value:.0f} B"


def shown(value, figure, unit):
    return size(value) if "bytes" in figure else measure.text(value) + unit


def value_of(results, system, column):
    """(the number to compare, its text) of a cell; None if nothing was measured."""
    _, points, figures, unit, better = column
    figures = figures if isinstance(figures, tuple) else (figures,)
    found = []
    for point in points:
        values = [files_median(results, point, system, figure) for figure in figures]
        if values[0] is not None:
            texts = [shown(value, figure, unit) for value, figure in zip(values, figures) if value is not None]
            mark = "" if point == points[0] or len(points) > 2 else " at 20/s"
            found.append((values[0], " / ".join(texts) + mark))
            if len(points) == 2:  # the second point only stands in for the first
                break
    return better(found) if found else None


def lost(results, system):
    """What all runs together lost or doubled."""
    records = [record for result in results for record in result["records"] if record["system"] == system]
    if not any("expected" in record["counts"] for record in records):
        return ""
    sums = [sum(record["counts"].get(name, 0) for record in records) for name in ("lost", "duplicated")]
    return f"{sums[0]:,} / {sums[1]:,}"


def table(results):
    systems = [name for name in SYSTEMS
               if any(record["system"] == name for result in results for record in result["records"])]
    columns = [column for column in COLUMNS if any(value_of(results, name, column) for name in systems)]
    best = {}
    for column in columns:
        # The floors deliver and do nothing else, so they are no competitors.
        values = [value_of(results, name, column) for name in systems if not name.startswith("floor")]
        values = [value[0] for value in values if value]
        best[column[0]] = column[4](values) if values else None
    lines = ["| | " + " | ".join(column[0] for column in columns) + " | lost / doubled |",
             "|---" * (len(columns) + 2) + "|"]
    for name in systems:
        cells = []
        for column in columns:
            value = value_of(results, name, column)
            win = value and value[0] == best[column[0]] and not name.startswith("floor")
            cells.append(f"**{value[1]}**" if win else value[1] if value else "-")
        version = results[-1]["versions"].get(name, "").split(",")[0] if not name.startswith("floor") else ""
        title = f"{SYSTEMS[name].title} {version.removeprefix('tidings ')}".strip()
        lines.append(f"| {title} | " + " | ".join(cells) + f" | {lost(results, name) or '-'} |")
    return lines


def block(results):
    last = results[-1]
    machine = last["machine"]
    runs = sum(result["runs"] for result in results)
    return [BEGIN, "", *table(results), "",
            f"One server core of an {machine['model']}, Linux {machine['kernel'].split('-')[0]}, loopback, 200-byte "
            f"events, ids on; medians of {runs} interleaved runs, {last['started'][:10]}, revision "
            f"{last['revision']}; the best of the servers is bold. `make bench` repeats it, "
            "[bench/README.md](bench/README.md) says how it is measured.", "", END]


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
        print("\n".join(table(results)))
        return
    README.write_text(replace(README.read_text(encoding="utf-8"), block(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
