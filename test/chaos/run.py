#!/usr/bin/env python3
"""Chaos: hubs, readers and publishers over one store, faults from a printed seed, a checker that knows every event.

examples:
  test/chaos/run.py --bin build/release/tidings                           every scenario, 30 s each
  test/chaos/run.py --bin build/release/tidings --scenario failover --seconds 60 --verbose
  test/chaos/run.py --bin build/release/tidings --scenario rdb --seed 17  the faults of that seed again
  test/chaos/run.py --bin build/release/tidings --total 3600 --json chaos.json
                                                                          fresh seeds until an hour is over
  test/chaos/run.py --bin build/release/tidings_broken --break-rule       exit 0 if the checker catches the broken hub
  test/chaos/run.py --list

exit codes: 0 nothing was lost silently, doubled or told falsely; 1 something was; 2 wrong usage
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import shutil
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import report  # noqa: E402
import scenarios  # noqa: E402
from world import World  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.environ.get("TIDINGS_BIN"), help="the hub's binary (or TIDINGS_BIN)")
    parser.add_argument("--seed", type=int, help="draws faults and crowd; default: a fresh one, printed")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long faults last in each run (30)")
    parser.add_argument("--share", type=float, help="how long faults last in all runs together, instead of --seconds")
    parser.add_argument("--scenario", default="all", help="names with commas, short, or all")
    parser.add_argument("--total", type=float, help="cycle over the scenarios with fresh seeds for so many seconds")
    parser.add_argument("--readers", type=int, default=40)
    parser.add_argument("--publishers", type=int, default=8)
    parser.add_argument("--rate", type=float, default=60.0, help="requests a second of all publishers (60)")
    parser.add_argument("--break-rule", action="store_true",
                        help="the binary breaks a rule on purpose; exit 0 if that is caught")
    parser.add_argument("--json", metavar="FILE", help="write all figures and cases there")
    parser.add_argument("--keep", action="store_true", help="leave the folders of failed runs")
    parser.add_argument("--verbose", action="store_true", help="say each fault as it happens")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    options = parser.parse_args()
    if options.list:
        for scenario in scenarios.ALL:
            print(f"{scenario.name:14} {scenario.says}")
        sys.exit(0)
    if not options.bin or not os.access(options.bin, os.X_OK):
        parser.error("--bin has to name the hub's binary")
    options.hub_environment = {"TIDINGS_BREAK_RULE": "no_reread"} if options.break_rule else {}
    return parser, options


def chosen(parser, options):
    if options.break_rule and options.scenario == "all":
        options.scenario = scenarios.BREAK
    names = {"all": list(scenarios.BY_NAME), "short": list(scenarios.SHORT)}.get(
        options.scenario, options.scenario.split(","))
    for name in names:
        if name not in scenarios.BY_NAME:
            parser.error(f"unknown scenario {name!r}; there are {', '.join(scenarios.BY_NAME)}, short and all")
    return [scenarios.BY_NAME[name] for name in names]


PATIENCE = 240.0  # seconds, beside the faults' own time, that one run may take


def missing_programs(scenario):
    wanted = {"redis": ["redis-server"], "sentinel": ["redis-server", "redis-sentinel"]}.get(scenario.store, [])
    return [program for program in wanted if not shutil.which(program)]


def why_not(scenario):
    missing = missing_programs(scenario)
    return f"{', '.join(missing)} is not installed" if missing else scenario.skip()


def run_one(scenario, seed, options):
    """The figures of one run."""
    print(f"chaos {scenario.name}: seed {seed} …", flush=True)
    started = time.monotonic()
    world = World(scenario, seed, options)
    try:
        # Hubs that hang are stuck readers, and a driver that hangs says so.
        limit = PATIENCE + 6 * (options.seconds or 0)
        history, verdict = asyncio.run(asyncio.wait_for(world.run(), limit))
        run = report.figures(world, history, verdict, time.monotonic() - started)
        if not run["ok"] and not options.break_rule:
            print(report.cases(run, verdict, world.logs()))
    except Exception:  # pylint: disable=broad-except
        why = traceback.format_exc()
        run = report.not_made(scenario, seed, why)
        print(f"the run could not be made: {why}\n{world.logs()}")
    except BaseException:
        world.clean()
        raise
    if options.keep and not run["ok"]:
        print(f"kept: {world.keep()}")
    else:
        world.clean()
    figures = {name: run.get(name, 0) for name in report.ROWS}
    errors = ", ".join(f"{figures[e]} {e}" for e in report.ERRORS if figures[e]) or "ok"
    print(f"chaos {scenario.name}: {errors} (seed {seed}, {figures['faults']} faults, {figures['acknowledged']} "
          f"acknowledged, {figures['delivered']} delivered, {figures['gaps']} gaps, {figures['seconds']:.0f} s)",
          flush=True)
    return run


def schedule(wanted, options):
    """(scenario, seed) of each run, in order."""
    fresh = random.SystemRandom()

    def seed():
        return options.seed if options.seed is not None else fresh.randrange(1, 2**31)
    until = time.monotonic() + options.total if options.total else None
    while True:
        for scenario in wanted:
            yield scenario, seed()
            if until is not None and time.monotonic() >= until:
                return
        if until is None:
            return


def main():
    parser, options = arguments()
    wanted = chosen(parser, options)
    runs, skipped = [], {scenario.name: why_not(scenario) for scenario in wanted if why_not(scenario)}
    for name, reason in skipped.items():
        print(f"skipped: {name}: {reason}", flush=True)
    wanted = [scenario for scenario in wanted if scenario.name not in skipped]
    if options.share and wanted:
        options.seconds = options.share / len(wanted)
    try:
        for scenario, seed in schedule(wanted, options) if wanted else ():
            runs.append(run_one(scenario, seed, options))
    except KeyboardInterrupt:
        print("interrupted; so far:")
    if options.json:
        text = json.dumps({"runs": runs, "skipped": skipped}, indent=1)
        pathlib.Path(options.json).write_text(text + "\n", encoding="utf-8")
    if not runs:
        print("chaos: nothing ran")
        return 0
    print(report.table(runs))
    if options.break_rule:
        lost = sum(run.get("silently lost", 0) for run in runs)
        print(f"chaos: {'ok, the broken rule was caught' if lost else 'FAILED, the broken rule was not caught'} "
              f"({lost} silently lost)")
        return 0 if lost else 1
    good = all(run["ok"] for run in runs)
    print("chaos: ok" if good else "chaos: FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
