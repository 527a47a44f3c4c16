"""The table of goals in docs/performance.md."""
import goal_table
from scenarios import fanout


def result(run, floor, ours):
    record = {"point": fanout.AT_50, "run": run, "valid": True, "counts": {}, "notes": []}
    return {"records": [{**record, "system": "floor", "figures": {"cpu_us_per_delivery": floor}},
                        {**record, "system": "ours", "figures": {"cpu_us_per_delivery": ours}}]}


def test_ratios_are_those_of_one_run_of_one_file():
    rows = [line for line in goal_table.table([result(1, 4.0, 5.0), result(1, 9.0, 9.0)]) if "M1" in line]
    assert len(rows) == 1
    assert "0.9 (0.8..1)" in rows[0]
    assert "| met |" in rows[0]


def test_what_is_missed_stands_out():
    rows = [line for line in goal_table.table([result(1, 4.0, 8.0)]) if "M1" in line]
    assert "**missed by 44%**" in rows[0]
