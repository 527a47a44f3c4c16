#!/usr/bin/env python3
"""Writes the goals and how far they are met into docs/performance.md, between its markers, from result files.

    bench/goal_table.py bench/results/FILE.json...     rewrites docs/performance.md
    bench/goal_table.py --print FILE.json...           prints the table alone
"""
import json
import pathlib
import sys

import goals
import measure
import readme_table
import report

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs/performance.md"
RUNS_OF_A_FILE = 1000


def together(results):
    """The records of all files; runs of different files stay apart, so that ratios are still those of one run."""
    return [{**record, "run": number * RUNS_OF_A_FILE + record["run"]}
            for number, result in enumerate(results) for record in result["records"]]


def table(results):
    lines = ["| | figure | measured | must | | aim | |", "|---|---|---|---|---|---|---|"]
    for row in goals.judge(together(results)):
        unit = f" {row['unit']}" if row["unit"] else ""
        start = f"| {row['goal']} | {row['what']} | {report.spread(row)}{unit} | "
        if row["direction"] == goals.INFORMATION:
            lines.append(start + "– | | – | |")
            continue
        must = row["must_is"] if row["must_is"] == "met" else f"**{row['must_is']}**"
        lines.append(f"{start}{report.bound(row, 'must')} | {must} | {measure.text(row['aim'])} | {row['aim_is']} |")
    return lines


def block(results):
    machine = results[-1]["machine"]
    runs = sum(result["runs"] for result in results)
    revisions = sorted({result["revision"] for result in results})
    return [readme_table.BEGIN, "", *table(results), "",
            f"Medians (and spread) of {runs} interleaved runs in {len(results)} results, revision {', '.join(revisions)}: "
            f"{machine['model']}, {machine['cores']} cores, {machine['memory_mib']} MiB, Linux {machine['kernel'].split('-')[0]}, "
            f"{machine['congestion_control']}, loopback.", "", readme_table.END]


def main():
    names = [name for name in sys.argv[1:] if name != "--print"]
    if not names or any(name.startswith("-") for name in names):
        sys.exit(__doc__)
    results = [json.loads(pathlib.Path(name).read_text(encoding="utf-8")) for name in names]
    if "--print" in sys.argv:
        print("\n".join(table(results)))
        return
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(readme_table.replace(text, block(results)), encoding="utf-8")


if __name__ == "__main__":
    main()
