"""Records of measurements, their medians and spread, and ratios within one run. Pure: no process, no clock.

A record is a dict: {"point", "system", "run", "valid", "notes", "counts", "figures", "raw"}. `point` names what was
measured, once for the whole of bench/; `figures` are numbers by name.
"""
import math
import statistics


def median(values):
    return statistics.median(values) if values else None


def summary(values):
    """Median, least, greatest, and how many."""
    if not values:
        return None
    return {"median": median(values), "min": min(values), "max": max(values), "runs": len(values)}


def pick(records, point, system, figure):
    """{run: value} of the records that hold the figure; invalid ones only where there is no valid one."""
    found = {True: {}, False: {}}
    for record in records:
        if record["point"] == point and record["system"] == system:
            value = record["figures"].get(figure)
            if value is not None:
                found[bool(record["valid"])][record["run"]] = value
    return found[True] or found[False]


def ratios(over, under):
    """Per run, so that only figures of one run meet."""
    return [over[run] / under[run] for run in sorted(over) if under.get(run)]


def medians(records):
    """[{point, system, figures: {name: summary}, valid, runs}] in the order of first appearance."""
    groups = {}
    for record in records:
        groups.setdefault((record["point"], record["system"]), []).append(record)
    rows = []
    for (point, system), group in groups.items():
        names = dict.fromkeys(name for record in group for name in record["figures"])
        figures = {name: summary(list(pick(group, point, system, name).values())) for name in names}
        rows.append({"point": point, "system": system, "runs": len(group),
                     "valid": sum(bool(record["valid"]) for record in group),
                     "figures": {name: value for name, value in figures.items() if value}})
    return rows


def exponent(points):
    """The slope of log(y) over log(x): 0 is flat, 1 is proportional. None with fewer than two points."""
    points = [(math.log(x), math.log(y)) for x, y in points if x > 0 and y > 0]
    if len({x for x, _ in points}) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return (sum((x - mean_x) * (y - mean_y) for x, y in points)
            / sum((x - mean_x) ** 2 for x, _ in points))


def grows(points, allowed=0.15):
    """What the curve of a cost per unit of work says in words."""
    slope = exponent(points)
    if slope is None:
        return "too few points"
    if slope > allowed:
        return f"grows faster than its work (exponent {slope:+.2f})"
    return f"does not grow faster than its work (exponent {slope:+.2f})"


def text(value):
    """A figure with three significant digits and, above a million, a unit."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:.2f} M"
    if size >= 10_000:
        return f"{value / 1e3:.0f} k"
    if size >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}"
