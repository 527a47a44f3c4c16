#!/usr/bin/env python3
"""Prints what result files say: goals, figures of each point, curves, what was missing, what did not match.

    bench/report.py bench/results/FILE.json...
"""
import json
import pathlib
import sys

import goals
import measure
from peers import SYSTEMS

# (figure, heading): those that a table shows, if any system has them
COLUMNS = (
    ("deliveries_per_cpu_s", "deliveries /CPU-s"), ("deliveries_per_s", "deliveries /s"), ("server_busy", "busy"),
    ("events_per_read", "events /read"), ("bytes_per_delivery", "bytes /delivery"), ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"), ("last_p99_ms", "last p99 ms"), ("peak_mib", "peak MiB"),
    ("user_bytes_connected", "B/stream"), ("user_bytes_after_broadcast", "after broadcast"),
    ("user_bytes_after_churn", "after churn"), ("slab_bytes_connected", "kernel slab"), ("core_percent", "% of a core"),
    ("connects_per_cpu_s", "connects /CPU-s"), ("cpu_us_per_connect", "µs /connect"),
    ("cpu_us_per_resume", "µs /return"), ("cpu_us_resume_alone", "µs of it the resume"), ("caught_up_seconds", "caught up s"), ("delivered_percent", "delivered %"),
    ("replay_p99_ms", "replay p99 ms"), ("events_per_s", "events /s"), ("cpu_us_per_event", "µs /event"),
    ("redis_us_per_event", "Redis µs /event"), ("publish_us", "publish µs"), ("connections", "connections"),
    ("killed", "connections killed"),
)


def table(rows, right_from=1):
    """Rows of texts, the first is the heading, as aligned lines."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) if column < right_from else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return lines


def spread(found, name=""):
    if name == "server_busy":
        return f"{found['median']:.0%}"
    shown = measure.text(found["median"])
    if found["runs"] > 1 and found["min"] != found["max"]:
        shown += f" ({measure.text(found['min'])}..{measure.text(found['max'])})"
    return shown


def bound(row, name):
    if row["direction"] == goals.INFORMATION:
        return row["direction"]
    unit = f" {row['unit']}" if row["unit"] else ""
    return f"{row['direction']} {measure.text(row[name])}{unit}"


def goal_lines(records):
    rows = [("goal", "figure", "measured", "must", "", "aim", "")]
    for row in goals.judge(records):
        unit = f" {row['unit']}" if row["unit"] else ""
        rows.append((row["goal"], row["what"], spread(row) + unit, bound(row, "must"), row["must_is"],
                     "" if row["direction"] == goals.INFORMATION else measure.text(row["aim"]), row["aim_is"]))
    return table(rows, 2) if len(rows) > 1 else ["no goal was measured"]


def counts_text(records):
    """What was lost, doubled or reordered over all runs; `ok` if every count matches."""
    sums = {}
    for record in records:
        for name, value in record["counts"].items():
            sums[name] = sums.get(name, 0) + value
    if "expected" not in sums:
        return "" if not sums.get("publish_failed") else f"failed {sums['publish_failed']}"
    bad = [f"{name.replace('_', ' ')} {sums[name]:,}"
           for name in ("lost", "duplicated", "out_of_order", "publish_failed") if sums.get(name)]
    if sums["expected"] != sums.get("delivered"):
        bad.insert(0, f"delivered {sums.get('delivered', 0):,} of {sums['expected']:,}")
    return ", ".join(bad) or "0 lost, 0 doubled"


def point_lines(records):
    lines, rows_of = [], {}
    for row in measure.medians(records):
        rows_of.setdefault(row["point"], []).append(row)
    for point, rows in rows_of.items():
        columns = [(name, head) for name, head in COLUMNS if any(name in row["figures"] for row in rows)]
        cells = [("system", *(head for _, head in columns), "counts", "runs")]
        for row in rows:
            own = [each for each in records if each["point"] == point and each["system"] == row["system"]]
            runs = str(row["runs"]) if row["valid"] == row["runs"] else f"{row['valid']} of {row['runs']} valid"
            cells.append((row["system"], *(spread(row["figures"][name], name) if name in row["figures"] else ""
                                           for name, _ in columns), counts_text(own), runs))
        lines += ["", point, *("  " + line for line in table(cells))]
    return lines


def curve_lines(records):
    from scenarios import growth  # only here, as it needs every scenario
    lines = []
    for what, figure, amounts in growth.curves():
        for system in SYSTEMS:
            points = [(amount, measure.median(list(measure.pick(records, point, system, figure).values())))
                      for amount, point in amounts]
            points = [(amount, value) for amount, value in points if value is not None]
            if len(points) > 1:
                shown = "  ".join(f"{amount:,}: {measure.text(value)}" for amount, value in points)
                lines.append(f"  {what}, {system}: {shown}; {measure.grows(points)}")
    return lines


def note_lines(result):
    lines = []
    for record in result["records"]:
        lines += [f"  {record['point']}, {record['system']}, run {record['run']}: {note}" for note in record["notes"]]
    lines += [f"  {each['system']}: {each['reason']}" for each in result["missing"]]
    lines += [f"  {each['point']}, {each['system']}, run {each['run']}: failed: {each['reason']}"
              for each in result["failures"]]
    return lines


def lines(result):
    machine = result["machine"]
    head = [f"{result['label']}, {result['started']}, revision {result['revision']}, {result['runs']} runs, "
            f"level {result['level']}",
            f"{machine['model']}, {machine['cores']} cores, {machine['memory_mib']} MiB, Linux {machine['kernel']}, "
            f"{machine['congestion_control']}",
            *(f"  {name}: {version}" for name, version in result["versions"].items())]
    if result.get("smoke"):
        head.append("A smoke run: it shows that everything goes to its end; its figures mean nothing.")
    text = [*head, *point_lines(result["records"])]
    for title, more in (("how costs grow", curve_lines(result["records"])), ("notes", note_lines(result))):
        if more:
            text += ["", title, *more]
    steal = sum(record.get("steal_s", 0) for record in result["records"])
    soft = sum(record.get("ksoftirqd_s", 0) for record in result["records"])
    took = sum(record.get("took_s", 0) for record in result["records"])
    text += ["", f"stolen by the host: {steal:.1f} s, ksoftirqd: {soft:.1f} s, of {took:.0f} s measured",
             "", *goal_lines(result["records"])]
    return text + [f"not measured: {name}: {why}" for name, why in goals.NOT_MEASURED.items()]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        print("\n".join(lines(json.loads(pathlib.Path(name).read_text(encoding="utf-8")))))


if __name__ == "__main__":
    main()
