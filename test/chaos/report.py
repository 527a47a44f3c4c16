"""The figures of runs: as a table for people, as JSON for machines."""
import collections

from checker import ERRORS

CASES_SHOWN = 3


def figures(world, history, verdict, seconds):
    """One run as plain data."""
    counts = verdict.counts
    by_kind = collections.Counter(fault.kind for fault in history.faults)
    live = [reader for reader in world.readers]
    return {
        "scenario": world.scenario.name, "seed": world.seed, "seconds": round(seconds, 1),
        "faults": sum(by_kind.values()), "faults by kind": dict(sorted(by_kind.items())),
        "requests": world.publishers.requests, "repeats of acknowledged": world.publishers.repeats,
        "events": len(history.events),
        "acknowledged": counts["acknowledged"], "unacknowledged": counts["unacknowledged"],
        "delivered": counts["delivered"], "readers": len(live),
        "reconnects": sum(max(0, reader.connections - 1) for reader in live),
        "cut by a hub": sum(reader.cut_by_hub for reader in live),
        "lost by the store": counts["lost by the store"],
        "gaps": counts["gaps"], "told lost": counts["told lost"],
        "told, nothing missing": counts["told, nothing missing"], "avoidable": counts["avoidable"],
        **{error: counts[error] for error in ERRORS},
        "took": {what: round(took, 1) for what, took in world.took.items()},
        "ok": verdict.ok,
        "cases": {error: verdict.cases[error][:20] for error in ERRORS if verdict.cases[error]},
        "all faults": [{"kind": f.kind, "began": round(f.began, 3), "ended": round(f.ended, 3), "seal": f.seal,
                        "hubs": list(f.hubs), "note": f.note} for f in history.faults],
    }


def not_made(scenario, seed, why):
    """A run that could not be made is a failed one."""
    return {"scenario": scenario.name, "seed": seed, "seconds": 0, "problems": 1, "faults by kind": {}, "ok": False,
            "cases": {"problems": [why]}}


ROWS = ("seed", "seconds", "faults", "requests", "acknowledged", "unacknowledged", "delivered", "reconnects",
        "cut by a hub", "lost by the store", "gaps", "told lost", "told, nothing missing", "avoidable", *ERRORS)


def table(runs):
    """A column for each scenario, summed over its runs, and one for all."""
    columns = collections.OrderedDict()
    for run in runs:
        columns.setdefault(run["scenario"], []).append(run)
    names = list(columns) + (["all"] if len(columns) > 1 else [])
    cells = []
    for row in ROWS:
        line = [row]
        for name in names:
            chosen = columns[name] if name != "all" else runs
            if row == "seed":
                line.append(str(chosen[0]["seed"]) if len(chosen) == 1 else f"{len(chosen)} runs")
            else:
                value = sum(run.get(row, 0) for run in chosen)
                line.append(f"{value:.0f}" if row == "seconds" else str(value))
        cells.append(line)
    head = ["", *names]
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]

    def show(line):
        return "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:]))]).rstrip()
    kinds = collections.Counter()
    for run in runs:
        kinds.update(run["faults by kind"])
    faults = "faults by kind: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return "\n".join([show(head), *map(show, cells), faults])


def cases(run, verdict, logs):
    """The first cases of each error, with all that surrounds them."""
    lines = [f"==== {run['scenario']}, seed {run['seed']}"]
    for error in ERRORS:
        found = verdict.cases[error]
        for number, text in enumerate(found[:CASES_SHOWN]):
            lines.append(f"-- {error} ({number + 1} of {verdict.counts[error]}): {text}")
    lines.append(logs)
    return "\n".join(lines)
