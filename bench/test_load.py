import load

RESULT = {"published": 10, "expected": 100, "delivered": 100, "lost": 0, "duplicated": 0, "out_of_order": 0,
          "deliveries_per_second": 50, "bytes": 23_000, "events_per_read": 1.0,
          "server": {"busy": 0.5, "cpu_us_per_delivery": 5.0}, "generator": {"busy": 1.0},
          "latency_us": {"p50": 1500, "p99": 3000}, "last_latency_us": {"p99": 4000},
          "memory": [{"mark": "before", "pss_kb": 1000, "slab_kb": 0, "streams": 0},
                     {"mark": "connected", "pss_kb": 2000, "slab_kb": 4000, "streams": 1024}]}


def test_figures_of_a_fan_out():
    figures = load.fan_out_figures(RESULT)
    assert figures["deliveries_per_cpu_s"] == 200_000
    assert (figures["p50_ms"], figures["p99_ms"], figures["last_p99_ms"]) == (1.5, 3.0, 4.0)
    assert figures["bytes_per_delivery"] == 230
    assert load.fan_out_figures({}) == {}


def test_memory_is_counted_from_what_the_empty_server_had():
    figures = load.memory_figures(RESULT)
    assert figures == {"empty_mib": 1000 / 1024, "user_bytes_connected": 1000, "slab_bytes_connected": 4000}
    assert load.per_stream(RESULT["memory"], "after_churn") is None


def test_counts_that_do_not_match_are_said():
    assert load.complaints(load.counts(RESULT)) == []
    said = load.complaints(load.counts(RESULT | {"delivered": 90, "lost": 8, "publish_failed": 1}))
    assert said == ["delivered 90 of 100", "publish failed 1", "lost 8"]
