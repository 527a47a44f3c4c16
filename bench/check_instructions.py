#!/usr/bin/env python3
"""Counts the instructions of fixed workloads and compares them with bench/baseline.json.

Each workload is run under callgrind with N and with 2 N operations; the difference over N is what an operation costs,
so that whatever is done once does not count. The counts are the same to the digit on one machine with one compiler and
the same libraries; with others they differ a little, and both are named.

    bench/check_instructions.py                 compare; exits 1 where something grew by more than 5 %
    bench/check_instructions.py --update        write the baseline
    bench/check_instructions.py --only deliver  one workload alone
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench/baseline.json"
TOLERANCE = 0.05
OPERATIONS = {"encode": 2_000, "deliver": 20_000, "heartbeat": 20_000, "resume": 200, "connect": 200, "publish": 500,
              "ndjson": 5_000}
LIBRARIES = ("g++", "libc6", "libboost1.81-dev", "libssl3", "libsimdjson14", "valgrind")

Compared = collections.namedtuple("Compared", "lines grew")


def collected(text):
    """The count that callgrind's last line names."""
    found = re.findall(r"Collected\s*:\s*(\d+)", text)
    if not found:
        raise ValueError("callgrind has counted nothing: " + text[-400:])
    return int(found[-1])


def count(binary, workload, operations):
    with tempfile.TemporaryDirectory() as room:
        command = ["setarch", "-R", "valgrind", "--tool=callgrind", "--toggle-collect=tidings_counted",
                   "--callgrind-out-file=" + room + "/out", str(binary), workload, str(operations)]
        # The environment lies on the stack, so it is the same for everybody.
        done = subprocess.run(command, cwd=room, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, check=False,
                              capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{workload} ended with {done.returncode}: {done.stderr[-1000:]}")
    return collected(done.stderr)


def per_operation(once, twice, operations):
    return round((twice - once) / operations, 1)


def measure(binary, workload):
    operations = OPERATIONS[workload]
    return per_operation(count(binary, workload, operations), count(binary, workload, 2 * operations), operations)


def versions():
    """Of what is counted together with our own code."""
    found = {}
    for name in LIBRARIES:
        done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", name], capture_output=True, text=True, check=False)
        found[name] = done.stdout.strip() or "unknown"
    return found


def compare(baseline, measured, tolerance=TOLERANCE):
    """A line for each workload, and the names of those that grew by more than the tolerance."""
    lines, grew = [], []
    for name, now in measured.items():
        before = baseline.get(name)
        if not before:
            lines.append(f"{name:10} {now:12,.1f}  is new")
            continue
        change = now / before - 1
        word = ""
        if now > before * (1 + tolerance):
            word = "  GREW"
            grew.append(name)
        elif now < before * (1 - tolerance):
            word = "  shrank"
        lines.append(f"{name:10} {now:12,.1f}  {change:+7.1%} of {before:,.1f}{word}")
    lines += [f"{name:10} is not measured any more" for name in baseline if name not in measured]
    return Compared(lines, grew)


def other_versions(before, now):
    return [f"{name}: {before.get(name)} then, {version} now" for name, version in now.items()
            if before.get(name) != version]


def read_baseline(path):
    return json.loads(path.read_text()) if path.exists() else {"versions": {}, "instructions": {}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/tidings_instructions")
    parser.add_argument("--baseline", type=pathlib.Path, default=BASELINE)
    parser.add_argument("--only", choices=OPERATIONS, action="append")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("--twice", action="store_true", help="count again, and say whether it is the same")
    options = parser.parse_args()
    baseline = read_baseline(options.baseline)
    names = options.only or list(OPERATIONS)
    measured = {name: measure(options.bin.resolve(), name) for name in names}
    known = {name: value for name, value in baseline["instructions"].items() if name in names or not options.only}
    result = compare(known, measured)
    print("instructions for an operation")
    print("\n".join(result.lines))
    if options.twice:
        for name, value in measured.items():
            again = measure(options.bin.resolve(), name)
            print(f"{name:10} " + ("the same again" if again == value else f"NOT the same again: {again:,.1f}"))
    for line in other_versions(baseline["versions"], versions()) if baseline["versions"] else []:
        print(line)
    if options.update:
        kept = baseline["instructions"] if options.only else {}
        options.baseline.write_text(json.dumps({"versions": versions(), "instructions": {**kept, **measured}},
                                               indent=2) + "\n")
        print(f"written to {options.baseline}")
        return 0
    if result.grew:
        print("more than 5 % more: " + ", ".join(result.grew) + ". If it is worth it: make bench-check UPDATE=1")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
