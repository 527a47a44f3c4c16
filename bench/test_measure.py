import measure


def record(point, system, run, valid=True, **figures):
    return {"point": point, "system": system, "run": run, "valid": valid, "notes": [], "counts": {},
            "figures": figures}


def test_a_summary_is_median_and_spread():
    assert measure.summary([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "runs": 3}
    assert measure.summary([]) is None


def test_an_invalid_run_counts_only_where_there_is_no_valid_one():
    records = [record("p", "ours", 1, x=1), record("p", "ours", 2, valid=False, x=9), record("p", "peer", 1, False, x=5)]
    assert measure.pick(records, "p", "ours", "x") == {1: 1}
    assert measure.pick(records, "p", "peer", "x") == {1: 5}
    assert measure.pick(records, "p", "ours", "y") == {}


def test_ratios_are_made_within_one_run():
    assert measure.ratios({1: 4, 2: 9, 3: 1}, {1: 2, 2: 3}) == [2, 3]
    assert measure.ratios({1: 4}, {1: 0}) == []


def test_medians_keep_the_order_and_count_valid_runs():
    rows = measure.medians([record("p", "b", 1, x=1), record("p", "a", 1, x=2), record("p", "b", 2, False, x=3)])
    assert [(row["system"], row["runs"], row["valid"]) for row in rows] == [("b", 2, 1), ("a", 1, 1)]
    assert rows[0]["figures"]["x"]["median"] == 1


def test_the_exponent_tells_flat_from_proportional():
    assert abs(measure.exponent([(1, 5), (10, 5), (100, 5)])) < 1e-9
    assert abs(measure.exponent([(1, 2), (10, 20), (100, 200)]) - 1) < 1e-9
    assert measure.exponent([(5, 1), (5, 2)]) is None
    assert "does not" in measure.grows([(100, 4.0), (10_000, 4.4)])
    assert measure.grows([(100, 4.0), (10_000, 40.0)]).startswith("grows faster")
    assert measure.grows([(100, 4.0)]) == "too few points"


def test_texts_have_three_digits():
    assert [measure.text(value) for value in (0, 0.1234, 12.34, 123.4, 12_345, 1_234_567, None)] == [
        "0", "0.123", "12.3", "123", "12 k", "1.23 M", "-"]

