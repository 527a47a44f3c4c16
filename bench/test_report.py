import pytest

import goals
import plot
import readme_table
import report
from scenarios import SCENARIOS, connecting, fanout, growth, memory, reconnecting


def record(point, system, run=1, counts=None, valid=True, **figures):
    return {"scenario": "M1", "point": point, "system": system, "run": run, "valid": valid, "notes": [],
            "counts": counts or {}, "figures": figures, "steal_s": 0.1, "ksoftirqd_s": 0.0, "took_s": 3.0}


RECORDS = [
    record(fanout.AT_50, "floor", cpu_us_per_delivery=5.0, deliveries_per_cpu_s=200_000.0, p50_ms=2.0, p99_ms=4.0),
    record(fanout.AT_50, "ours", cpu_us_per_delivery=5.0, deliveries_per_cpu_s=200_000.0, p50_ms=3.0, p99_ms=4.0),
    record(fanout.AT_50, "ours", 2, cpu_us_per_delivery=9.0, deliveries_per_cpu_s=111_111.0, p50_ms=3.0, p99_ms=4.0),
    record(fanout.AT_50, "nchan", cpu_us_per_delivery=9.0, deliveries_per_cpu_s=111_111.0, p50_ms=5.0, p99_ms=10.0,
           counts={"expected": 10, "delivered": 9, "lost": 1, "duplicated": 0}, valid=False),
    record(memory.IDLE, "ours", user_bytes_connected=130.0, user_bytes_after_broadcast=140.0),
    record(memory.IDLE, "nchan", user_bytes_connected=10_200.0, user_bytes_after_broadcast=14_400.0),
    record(reconnecting.STORM, "ours", counts={"expected": 5, "delivered": 5, "lost": 0, "duplicated": 0},
           caught_up_seconds=1.5),
    *(record(growth.cost_point(n), "ours", cpu_us_per_delivery=5.0 + n / 10_000) for n in growth.STREAMS),
]
RESULT = {"label": "try", "started": "2026-11-25T10:00:00", "level": "standard", "smoke": False, "runs": 2,
          "revision": "abc", "versions": {"ours": "tidings 0.1.0", "nchan": "1.3.6, nginx"}, "records": RECORDS,
          "machine": {"model": "AMD EPYC", "cores": 2, "kernel": "6.18.44-x", "congestion_control": "bbr",
                      "memory_mib": 24000},
          "missing": [{"system": "pushpin", "reason": "not installed"}],
          "failures": [{"point": "p", "system": "mercure", "run": 1, "reason": "it ended"}]}


def test_goals_say_how_far_they_are_missed():
    rows = {(row["goal"], row["what"]): row for row in goals.judge(RECORDS)}
    at_50 = rows["M1", f"CPU per delivery, floor F0's over ours: {fanout.AT_50}"]
    assert (at_50["median"], at_50["runs"], at_50["must_is"], at_50["aim_is"]) == (1.0, 1, "met", "missed by 13%")
    assert rows["M4", "user memory per stream, idle"]["must_is"] == "met"
    assert rows["M4", "user memory per stream, idle"]["aim_is"] == "missed by 2%"
    assert rows["M8", "lost there"]["must_is"] == "met"
    assert not [row for row in rows.values() if row["goal"] == "M5"], "nothing was measured for it"


def test_a_bound_of_nothing_is_missed_by_what_there_is():
    goal = next(goal for goal in goals.GOALS if goal.what == "lost there")
    assert goals.distance(goal, 3, 0) == "missed by 3"


def test_every_goal_has_a_point_that_is_measured():
    import plan
    from peers import SYSTEMS
    choice = plan.Choice(tuple(SYSTEMS), "full")
    points = {step.point for scenario in SCENARIOS.values() for step in scenario.steps(choice)}
    assert {fanout.AT_50, memory.IDLE, reconnecting.STORM, *fanout.GATHERED.values(), *fanout.AT_ONCE.values()} <= points
    assert {goal.number for goal in goals.GOALS} == {f"M{number}" for number in range(1, 15)}


def test_the_report_prints_losses_missing_peers_and_failures():
    text = "\n".join(report.lines(RESULT))
    for part in ("delivered 9 of 10, lost 1", "pushpin: not installed", "mercure, run 1: failed: it ended",
                 "156 k", "missed by 13%", "0 of 1 valid", "how costs grow",
                 "stolen by the host", "not measured: M15"):
        assert part in text, part


def test_columns_are_aligned():
    lines = report.table([("a", "bb"), ("ccc", "d")])
    assert lines == ["a    bb", "---  --", "ccc   d"]


def test_the_table_of_the_readme_marks_the_best_server_and_says_why_a_figure_is_missing():
    lines = readme_table.table([RESULT])
    assert lines[0] == "| | Tidings | floor F0 | nchan on nginx |"
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}
    assert "**7 µs** | 5 µs | 9 µs" in rows["CPU per delivery, 1,000 streams at 50/s"]
    assert "**130 B** | –<sup>1</sup> | 10.2 kB" in rows["user memory per idle stream"]
    assert "**0 / 0** | –<sup>2</sup> | –<sup>1</sup>" in rows["lost / doubled there"]
    assert lines[-1] == "<sup>1</sup> not measured in this result. <sup>2</sup> keeps no history."
    assert len({line.count("|") for line in rows.values()}) == 1
    assert len(readme_table.ROWS) <= 12


def test_the_readme_says_where_its_figures_come_from():
    text = readme_table.about([RESULT])
    for part in ("AMD EPYC (2 cores)", "Linux 6.18.44,", "2026-11-25", "medians of 2 interleaved runs", "revision abc",
                 "Tidings 0.1.0, nchan on nginx 1.3.6."):
        assert part in text, part
    assert "mean nothing" in readme_table.about([RESULT | {"smoke": True}])


def test_of_several_ways_in_the_best_counts_for_each():
    records = [record(fanout.AT_ONCE[6000], "ours", deliveries_per_cpu_s=8.0),
               record(fanout.GATHERED[6000], "ours", deliveries_per_cpu_s=6.0),
               record(fanout.AT_ONCE[1500], "durable-streams", deliveries_per_cpu_s=2.0),
               record(fanout.GATHERED[1500], "durable-streams", deliveries_per_cpu_s=4.0)]
    assert [row["median"] for row in goals.judge(records) if row["goal"] == "M2"] == [2.0]


def test_what_stands_beside_a_goal_has_no_bound():
    records = [record(memory.HEARTBEATS, "ours", core_percent=0.6), record(memory.HEARTBEATS, "floor", core_percent=0.4)]
    absolute, ratio = goals.judge(records)
    assert (absolute["must_is"], ratio["must_is"], round(ratio["median"], 2)) == ("missed by 20%", "", 1.5)
    assert any("no bound" in line for line in report.goal_lines(records))


def test_a_resume_is_judged_without_its_connect():
    point = connecting.resume_point("memory", 100)
    records = [record(point, "ours", cpu_us_per_resume=60.0, cpu_us_per_connect=45.0, cpu_us_resume_alone=15.0)]
    medians = {row["what"]: row["median"] for row in goals.judge(records)}
    assert sorted(medians.values()) == [15.0, 60.0]


def test_dear_steps_run_once_unless_all_is_asked_for():
    import types
    from plan import Choice
    import run
    for level, often in (("standard", 1), ("full", 3)):
        choice = Choice(("ours",), level)
        asked = run.Run(types.SimpleNamespace(runs=3, raw=False), choice, ["M9"])
        assert len(asked.plan()) == often


def test_the_readme_is_changed_between_its_markers_alone():
    text = f"a\n{readme_table.BEGIN}\nearlier words\n{readme_table.END}\nz\n"
    again = readme_table.replace(readme_table.replace(text, readme_table.block([RESULT])),
                                 readme_table.block([RESULT]))
    assert again.startswith("a\n" + readme_table.BEGIN) and again.endswith(readme_table.END + "\nz\n")
    assert "earlier words" not in again and again.count("Tidings 0.1.0") == 1 and again.count(readme_table.BEGIN) == 1
    with pytest.raises(ValueError):
        readme_table.replace("no markers", [])


def test_a_plot_is_xml_with_a_line_for_each_system():
    import xml.etree.ElementTree as tree
    costs = plot.series(RECORDS, "cpu_us_per_delivery", [(n, growth.cost_point(n)) for n in growth.STREAMS])
    assert list(costs) == ["ours"] and len(costs["ours"]) == len(growth.STREAMS)
    root = tree.fromstring(plot.draw(costs, {}, "a < b"))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(space + "polyline")) == 1
    texts = [each.text for each in root.findall(space + "text")]
    assert {"Tidings", "not measured", "a < b", "streams (logarithmic)", "19,000"} <= set(texts)


def test_axes_cover_their_values_with_few_ticks():
    for values in ([4.1, 4.2], [90, 77_000], [5], [0.02, 3]):
        low, high, ticks = plot.decades(values)
        assert low <= min(values) and max(values) <= high and low < high
        assert 2 <= len(ticks) <= 8
