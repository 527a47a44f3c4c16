"""The generator: its document, its run on its own core, and what its result says."""
import json
import os
import subprocess

import machine
from processes import Child, Failure, generator_core

PROGRAMS = machine.ROOT / "build/release"


def program(name):
    """A built program of bench/load or bench/floor, or nothing."""
    for place in (PROGRAMS / name, PROGRAMS / "bench" / name):
        if place.is_file() and os.access(place, os.X_OK):
            return place
    return None


def run(document, folder, seconds=120, name="load"):
    """The result of tidings_load for a document; fails with its last words."""
    return finish(start(document, folder, name), seconds)


def start(document, folder, name="load"):
    path = program("tidings_load")
    if path is None:
        raise Failure("tidings_load is not built")
    config = folder / f"{name}.json"
    config.write_text(json.dumps(document), encoding="utf-8")
    return Child(name, [path, config], folder, generator_core())


def finish(child, seconds):
    try:
        code = child.process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.stop()
        raise Failure(f"the generator did not finish within {seconds} s: {child.last_words()}") from None
    except BaseException:
        child.stop()
        raise
    if code != 0:
        raise Failure(f"the generator ended with {code}: {child.last_words()}")
    try:
        return json.loads(child.said())
    except ValueError as error:
        raise Failure(f"the generator's result is not JSON: {error}") from error


# ---- what a result says

COUNTS = ("published", "publish_failed", "expected", "delivered", "lost", "duplicated", "out_of_order", "unpublished", "foreign", "ended", "refused")


def counts(result):
    return {name: result[name] for name in COUNTS if name in result}


def complaints(found):
    """Sentences on counts that do not match; none if all do."""
    said = []
    if found.get("expected", 0) != found.get("delivered", 0):
        said.append(f"delivered {found.get('delivered')} of {found.get('expected')}")
    said += [f"{name.replace('_', ' ')} {found[name]}"
             for name in ("publish_failed", "lost", "duplicated", "out_of_order") if found.get(name)]
    if found.get("unpublished"):
        said.append(f"unpublished {found['unpublished']}: the server had not answered earlier ones")
    return said


def latency(result, member="latency_us", prefix=""):
    histogram = result.get(member) or {}
    return {f"{prefix}{name}_ms": histogram[name] / 1000 for name in ("p50", "p99", "p999", "max")
            if histogram.get(name) is not None}


def fan_out_figures(result):
    """The figures of a run in which events went out to streams."""
    server = result.get("server", {})
    figures = {"deliveries_per_s": result.get("deliveries_per_second"), "server_busy": server.get("busy"),
               "generator_busy": result.get("generator", {}).get("busy"),
               "events_per_read": result.get("events_per_read"),
               "cpu_us_per_delivery": server.get("cpu_us_per_delivery")}
    if figures["cpu_us_per_delivery"]:
        figures["deliveries_per_cpu_s"] = 1e6 / figures["cpu_us_per_delivery"]
    if result.get("delivered"):
        figures["bytes_per_delivery"] = result.get("bytes", 0) / result["delivered"]
    figures |= latency(result) | latency(result, "last_latency_us", "last_")
    return {name: value for name, value in figures.items() if value is not None}


def per_stream(memory, mark, member="pss_kb"):
    """Bytes per stream at a mark, over what the server had before the first."""
    marks = {each["mark"]: each for each in memory}
    if "before" not in marks or mark not in marks or not marks[mark].get("streams"):
        return None
    return (marks[mark][member] - marks["before"][member]) * 1024 / marks[mark]["streams"]


def memory_figures(result):
    figures = {}
    for each in result.get("memory", []):
        mark = each["mark"]
        if mark == "before":
            figures["empty_mib"] = each["pss_kb"] / 1024
            continue
        for member, name in (("pss_kb", "user"), ("slab_kb", "slab")):
            value = per_stream(result["memory"], mark, member)
            if value is not None:
                figures[f"{name}_bytes_{mark}"] = value
    return figures
