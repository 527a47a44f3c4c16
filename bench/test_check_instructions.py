"""The comparison of bench/check_instructions.py, without valgrind."""
import json

import pytest

import check_instructions as check


def test_the_count_is_what_callgrind_says_last():
    assert check.collected("==7== \n==7== Collected : 12\n==7== Collected : 34567\n==7==\n") == 34567
    with pytest.raises(ValueError):
        check.collected("valgrind: no such program")


def test_what_is_done_once_does_not_count():
    assert check.per_operation(1_000 + 10 * 25, 1_000 + 20 * 25, 10) == 25


@pytest.mark.parametrize("now, word, grew", [(100, "", []), (105, "", []), (105.1, "GREW", ["a"]), (95, "", []),
                                             (94.9, "shrank", [])])
def test_more_than_a_twentieth_is_named(now, word, grew):
    result = check.compare({"a": 100}, {"a": now})
    assert result.grew == grew
    assert len(result.lines) == 1 and result.lines[0].endswith(word)


def test_new_and_old_workloads_are_named_and_hurt_nobody():
    result = check.compare({"old": 5}, {"new": 7})
    assert result.grew == []
    assert "is new" in result.lines[0] and "not measured any more" in result.lines[1]


def test_other_versions_are_named():
    assert check.other_versions({"g++": "12", "libc6": "2"}, {"g++": "13", "libc6": "2"}) == ["g++: 12 then, 13 now"]


def test_without_a_baseline_everything_is_new(tmp_path):
    assert check.read_baseline(tmp_path / "none.json")["instructions"] == {}
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"versions": {}, "instructions": {"a": 1}}))
    assert check.read_baseline(path)["instructions"] == {"a": 1}
