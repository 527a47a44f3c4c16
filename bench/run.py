#!/usr/bin/env python3
"""Measures Tidings beside bare floors and other servers, prints a table of goals and writes bench/results/*.json.

    bench/run.py                          three runs of the usual scenarios
    bench/run.py --list                   what there is
    bench/run.py --scenario M1,M6 --peers ours,floor --runs 5
    bench/run.py --smoke                  everything once, tiny: shows that it works, its figures mean nothing
"""
import argparse
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import load
import machine
import plan
import report
from peers import SYSTEMS
from processes import Failure, leave_the_servers_core
from scenarios import SCENARIOS, USUAL

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
TARGETS = ("tidings_cli", "tidings_load", "floor_send", "floor_uring", "floor_echo", "floor_xadd")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="show scenarios, their points and systems")
    parser.add_argument("--scenario", default=",".join(USUAL), help="some of them, with commas; or all")
    parser.add_argument("--peers", default=",".join(SYSTEMS), help="some of the systems, with commas")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--level", choices=plan.LEVELS, default="standard", help="how many points")
    parser.add_argument("--seconds-scale", type=float, default=1.0, help="multiplies every measured time")
    parser.add_argument("--smoke", action="store_true", help="tiny, for trying: one run, few streams")
    parser.add_argument("--label", default=None)
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where the result goes")
    parser.add_argument("--raw", action="store_true", help="keep all that the generator said")
    parser.add_argument("--no-build", action="store_true")
    return parser.parse_args()


def names(text, known, what):
    if text == "all":
        return list(known)
    found = [name for name in text.split(",") if name]
    unknown = [name for name in found if name not in known]
    if unknown:
        sys.exit(f"unknown {what}: {', '.join(unknown)}; known: {', '.join(known)}")
    return [name for name in known if name in found]


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def build():
    """The release build of everything that is run; quiet unless it fails."""
    tree = machine.ROOT / "build/release"
    commands = [] if (tree / "build.ninja").exists() else [["cmake", "--preset", "release"]]
    commands.append(["cmake", "--build", tree, "-j", str(os.cpu_count()), "--target", *TARGETS])
    say("building what is missing")
    for command in commands:
        done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} fails:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")


class Run:
    """All measurements of one call, and what came of them."""

    def __init__(self, options, choice, scenarios):
        self._runs = options.runs
        self._raw = options.raw
        self.records, self.failures = [], []
        self._plan = []  # (scenario, run, step), one run after the other within each scenario
        done = set()
        for scenario in scenarios:
            steps = [step for step in SCENARIOS[scenario].steps(choice) if (step.point, step.system) not in done]
            done |= {(step.point, step.system) for step in steps}
            self._plan += [(scenario, run, step) for run in range(1, self._runs + 1) for step in steps
                           if run == 1 or not step.once or choice.full()]
        self._left = sum(self._cost(choice, step) for _, _, step in self._plan)
        self._choice = choice
        self._pace = 1.0

    @staticmethod
    def _cost(choice, step):
        return step.seconds * (0.15 if choice.smoke else 0.3 + 0.7 * min(1.0, choice.scale))

    def plan(self):
        return list(self._plan)

    def minutes(self):
        return self._left * self._pace / 60

    def measure(self):
        spent = expected = 0.0
        for scenario, run, step in self._plan:
            say(f"{scenario} run {run}/{self._runs} {step.system}: {step.point}  "
                f"(about {max(1, round(self.minutes()))} min left)")
            before, started = (*machine.stolen(), machine.ksoftirqd_seconds()), time.monotonic()
            try:
                found = step.measure()
                self._keep(scenario, run, step, found, before, time.monotonic() - started)
            except Failure as failure:
                self._fail(run, step, str(failure))
            except (KeyError, TypeError, ValueError, ZeroDivisionError, OSError) as error:
                self._fail(run, step, f"{type(error).__name__}: {error}")
            spent += time.monotonic() - started
            expected += self._cost(self._choice, step)
            self._left -= self._cost(self._choice, step)
            self._pace = spent / expected if expected > 20 else 1.0

    def _keep(self, scenario, run, step, found, before, took):
        after = (*machine.stolen(), machine.ksoftirqd_seconds())
        several = found if isinstance(found, list) else [found]
        for one in several:
            record = {"scenario": scenario, "point": one.point or step.point, "system": step.system, "run": run,
                      "valid": one.valid, "notes": one.notes, "counts": one.counts, "figures": one.figures,
                      "steal_s": round((after[0] - before[0]) / len(several), 3),
                      "ksoftirqd_s": round((after[2] - before[2]) / len(several), 3),
                      "took_s": round(took / len(several), 2)}
            if self._raw:
                record["raw"] = one.raw
            self.records.append(record)
            shown = ", ".join(f"{head} {report.measure.text(one.figures[name])}"
                              for name, head in report.COLUMNS if name in one.figures)
            where = f"{one.point}: " if one.point else ""
            print(f"           {where}{shown}" + "".join(f"\n           ! {note}" for note in one.notes), flush=True)

    def _fail(self, run, step, reason):
        self.failures.append({"point": step.point, "system": step.system, "run": run, "reason": reason})
        print(f"           ! failed: {reason}", flush=True)


def write(path, options, run, systems, missing, started):
    label = options.label or ("smoke" if options.smoke else options.level)
    result = {
        "format": 1, "label": label, "started": started.isoformat(timespec="seconds"), "level": options.level,
        "smoke": options.smoke, "seconds_scale": options.seconds_scale, "runs": options.runs,
        "revision": machine.revision(), "machine": machine.machine(),
        "versions": {name: SYSTEMS[name].version() for name in systems}
                    | {"redis": machine.output("redis-server", "--version")[:60]},
        "missing": missing, "failures": run.failures, "records": run.records,
        "medians": report.measure.medians(run.records), "goals": report.goals.judge(run.records)}
    path = path or RESULTS / f"{started:%Y-%m-%d-%H%M}-{label}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path, result


def show_list(options, choice, asked):
    for name, scenario in SCENARIOS.items():
        print(f"{name}: {scenario.title}")
        points = {}
        for step in scenario.steps(choice):
            points.setdefault(step.point, []).append(step.system + (" (once)" if step.once else ""))
        for point, systems in points.items():
            print(f"    {point}: {', '.join(systems)}")
    print(f"what was asked for takes about {Run(options, choice, asked).minutes():.1f} minutes on a quiet machine")


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    wanted = names(options.peers, list(SYSTEMS), "peer")
    scenarios = names(options.scenario, list(SCENARIOS), "scenario")
    if options.smoke:
        options.runs, options.seconds_scale = 1, min(options.seconds_scale, 0.1)
    choice = plan.Choice(tuple(wanted), options.level, options.seconds_scale, options.smoke)
    if options.list:
        return show_list(options, choice, scenarios)
    signal.signal(signal.SIGTERM, interrupted)
    if not options.no_build:
        build()
    missing = [{"system": name, "reason": SYSTEMS[name].missing()} for name in wanted if SYSTEMS[name].missing()]
    for each in missing:
        say(f"left out: {each['system']}: {each['reason']}")
    choice.systems = tuple(name for name in wanted if not SYSTEMS[name].missing())
    if os.cpu_count() < 2 or len(os.sched_getaffinity(0)) < 2:
        say("only one core: server and generator share it, and no figure means much")
    if load.program("tidings_load") is None:
        sys.exit("tidings_load is not built")
    leave_the_servers_core()
    started, run, code = datetime.datetime.now(), Run(options, choice, scenarios), 0
    try:
        run.measure()
    except KeyboardInterrupt:
        say("interrupted; what there is will be written")
        code = 130
    path, result = write(options.out, options, run, choice.systems, missing, started)
    print()
    print("\n".join(report.lines(result)))
    print(f"\nwritten: {path}")
    return code


if __name__ == "__main__":
    sys.exit(main())
