#!/usr/bin/env python3
"""Draws what a delivery and a stream cost over the number of streams, as one SVG of two panels.

    bench/plot.py bench/results/FILE.json... --out docs/growth.svg
"""
import argparse
import json
import math
import pathlib
from xml.sax.saxutils import escape

import measure

# (system, name in the legend, colour, width of the line, dashes)
LINES = (
    ("ours", "Tidings", "#c8102e", 3.2, ""),
    ("floor", "floor: bare send", "#333333", 1.8, "6 4"),
    ("floor-uring", "floor: io_uring", "#8a8a8a", 1.8, "2 3"),
    ("durable-streams", "durable-streams", "#0072b2", 1.8, ""),
    ("nchan", "nchan", "#009e73", 1.8, ""),
    ("centrifugo", "Centrifugo", "#8f5bb5", 1.8, ""),
    ("mercure", "Mercure", "#d98200", 1.8, ""),
    ("pushpin", "Pushpin", "#5b4a3a", 1.8, ""),
)
WIDTH, HEIGHT = 1120, 500
PANEL_WIDTH, PANEL_HEIGHT = 450, 310
TOP, LEFTS = 112, (84, 634)
X_RANGE = (90, 21_000)
X_TICKS = (100, 300, 1_000, 3_000, 10_000, 19_000)


class Axis:
    """A logarithmic scale from values to pixels."""

    def __init__(self, least, most, start, end):
        self._least, self._most = math.log10(least), math.log10(most)
        self._start, self._end = start, end

    def at(self, value):
        share = (math.log10(value) - self._least) / (self._most - self._least)
        return self._start + share * (self._end - self._start)


def decades(values):
    """A range of whole 1-2-5 steps around the values, and the ticks in it."""
    steps = [factor * 10.0 ** power for power in range(-4, 10) for factor in (1, 2, 5)]
    low = max(step for step in steps if step <= min(values))
    high = min(step for step in steps if step >= max(values))
    if low == high:
        high = steps[steps.index(high) + 1]
    ticks = [step for step in steps if low <= step <= high]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if f"{tick:e}"[0] == "1"]
    return low, high, ticks


def label(value):
    if value >= 1000:
        return f"{value / 1000:g} k"
    return f"{value:g}"


def line_of_text(x, y, content, size=13, anchor="middle", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" {more}>'
            f"{escape(content)}</text>")


def panel(left, title, unit, series):
    """One diagram: `series` is {system: [(streams, value)]}."""
    values = [value for points in series.values() for _, value in points if value > 0]
    bottom = TOP + PANEL_HEIGHT
    parts = [line_of_text(left, TOP - 14, title, 15, "start", 'font-weight="bold"')]
    if not values:
        return parts + [line_of_text(left + PANEL_WIDTH / 2, TOP + PANEL_HEIGHT / 2, "not measured")]
    low, high, ticks = decades(values)
    x = Axis(*X_RANGE, left, left + PANEL_WIDTH)
    y = Axis(low, high, bottom, TOP)
    for tick in ticks:
        at = y.at(tick)
        parts.append(f'<line x1="{left}" y1="{at:.1f}" x2="{left + PANEL_WIDTH}" y2="{at:.1f}" stroke="#e2e2e2"/>')
        parts.append(line_of_text(left - 8, at + 4.5, label(tick), 12, "end"))
    for tick in X_TICKS:
        at = x.at(tick)
        parts.append(f'<line x1="{at:.1f}" y1="{bottom}" x2="{at:.1f}" y2="{bottom + 5}" stroke="#555"/>')
        parts.append(line_of_text(at, bottom + 20, f"{tick:,}", 12))
    parts.append(f'<path d="M{left} {TOP}V{bottom}H{left + PANEL_WIDTH}" fill="none" stroke="#555"/>')
    parts.append(line_of_text(left + PANEL_WIDTH / 2, bottom + 44, "streams (logarithmic)"))
    middle = TOP + PANEL_HEIGHT / 2
    parts.append(line_of_text(left - 54, middle, unit, 13, "middle", f'transform="rotate(-90 {left - 54} {middle})"'))
    for system, _, colour, width, dashes in reversed(LINES):  # ours last, on top
        points = [(x.at(n), y.at(value)) for n, value in series.get(system, []) if value > 0]
        if not points:
            continue
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
                     f'stroke-dasharray="{dashes}" stroke-linejoin="round"/>')
        parts += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="{width + 0.8:.1f}" fill="{colour}"/>' for px, py in points]
    return parts


def legend(systems):
    shown = [each for each in LINES if each[0] in systems]
    parts, at = [], LEFTS[0]
    for _, name, colour, width, dashes in shown:
        parts.append(f'<line x1="{at}" y1="62" x2="{at + 26}" y2="62" stroke="{colour}" stroke-width="{width + 0.6}" '
                     f'stroke-dasharray="{dashes}"/>')
        parts.append(line_of_text(at + 32, 66.5, name, 13, "start"))
        at += 32 + 7.4 * len(name) + 16
    return parts


def draw(costs, memories, caption):
    """The whole picture as text."""
    panels = (panel(LEFTS[0], "Server CPU per delivery", "microseconds (logarithmic)", costs),
              panel(LEFTS[1], "User memory per stream, after a broadcast", "bytes (logarithmic)", memories))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
             f'height="{HEIGHT}" font-family="system-ui, sans-serif" fill="#222">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             line_of_text(LEFTS[0], 34, "What streams cost, lower is better", 19, "start", 'font-weight="bold"'),
             *legend(set(costs) | set(memories)), *panels[0], *panels[1],
             line_of_text(LEFTS[0], HEIGHT - 14, caption, 12, "start", 'fill="#666"'), "</svg>"]
    return "\n".join(parts) + "\n"


def series(records, figure, points):
    """{system: [(streams, median)]} where something was measured."""
    found = {}
    for streams, point in points:
        for system, *_ in LINES:
            value = measure.median(list(measure.pick(records, point, system, figure).values()))
            if value is not None and value > 0:
                found.setdefault(system, []).append((streams, value))
    return found


def runs_text(runs):
    return f"medians of {runs} runs" if runs > 1 else "one run"


def main():
    from scenarios import growth
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    results = [json.loads(path.read_text(encoding="utf-8")) for path in options.files]
    records = [record for result in results for record in result["records"]]
    machine = results[-1]["machine"]
    caption = (f"One core, 200-byte events, about 50,000 deliveries a second (Pushpin: 15,000); {machine['model']}, "
               f"Linux {machine['kernel'].split('-')[0]}, {results[-1]['started'][:10]}, "
               f"{runs_text(results[-1]['runs'])}, loopback")
    if results[-1].get("smoke"):
        caption = f"A smoke run, figures mean nothing. {caption}"
    options.out.write_text(draw(
        series(records, "cpu_us_per_delivery", [(n, growth.cost_point(n)) for n in growth.STREAMS]),
        series(records, "user_bytes_after_broadcast", [(n, growth.cost_point(n)) for n in growth.STREAMS]),
        caption), encoding="utf-8")


if __name__ == "__main__":
    main()
