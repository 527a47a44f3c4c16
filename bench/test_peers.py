import json
import pathlib
import tomllib

import ndjson
import peers
import redis_server
from peers import centrifugo, durable, mercure_hub, nchan, ours, pushpin


def test_every_system_says_what_it_is_and_why_it_is_missing():
    for name, system in peers.SYSTEMS.items():
        assert system.name == name and system.title and system.program
        assert system.missing() is None or system.missing()


def test_ours_is_toml_with_its_settings():
    text = ours.configuration("/tmp/x", {"store.url": '"memory:"', **ours.retention(10)})
    assert tomllib.loads("\n".join(text.split("\n")))["store"]["url"] == "memory:"
    parsed = tomllib.loads(text)
    assert parsed["server"]["shards"] == 1
    assert parsed["store"]["retention"]["broadcast"]["events"] == 1000
    assert "~" in tomllib.loads(ours.REGISTRY)["event"][0]["data"]


def test_nchan_has_balanced_braces_and_its_own_paths():
    text = nchan.configuration(1234)
    assert text.count("{") == text.count("}")
    assert "listen 127.0.0.1:1234" in text and "worker_processes 1;" in text


def test_centrifugo_is_json_with_history():
    config = json.loads(json.dumps(centrifugo.configuration(1234)))
    assert config["http_server"]["port"] == 1234
    assert config["channel"]["without_namespace"]["history_size"] > 0


def test_mercure_has_either_transport():
    for transport in ("local", "bolt"):
        text = mercure_hub.configuration(1234, transport)
        assert text.count("{") == text.count("}")
        assert f"transport {transport}" in text and "write_timeout 0s" in text


def test_pushpin_keeps_its_sockets_in_the_folder():
    assert pushpin.internal("a=ipc:///var/run/zurl/zurl-in\n") == "a=ipc://{rundir}/{ipc_prefix}zurl-in\n"
    text = pushpin.configuration("/tmp/x", 1, 2)
    assert "http_port=127.0.0.1:1" in text and "push_in_http_port=2" in text and "/var/run" not in text


def test_durable_streams_keeps_its_data_in_the_folder():
    assert "/tmp/x/data" in durable.DurableStreams().command(1, "/tmp/x")


def test_the_modules_of_mercure_are_pinned():
    text = (pathlib.Path(mercure_hub.__file__).parent / "mercure/go.mod").read_text(encoding="utf-8")
    assert "github.com/dunglas/mercure/caddy v0.24.2" in text


def test_answers_of_a_batch_are_read_at_any_division():
    whole = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             b"8\r\n{\"a\":1}\n\r\nb\r\n{\"b\":2}\n{\"c\r\n4\r\n\":3}\r\n1\r\n\n\r\n0\r\n\r\n")
    for size in (1, 2, 3, 7, len(whole)):
        answers, lines = ndjson.Answers(), []
        for at in range(0, len(whole), size):
            lines += answers.feed(whole[at:at + size])
        assert lines == [b'{"a":1}', b'{"b":2}', b'{"c":3}'], size
        assert answers.status == 200 and answers.ended


def test_lines_of_a_batch_have_the_size_of_an_event():
    data = json.loads(ndjson.line(7, "xx"))["data"]
    assert data["~"].startswith("000000000007.") and len(data["~"]) == 32


def test_redis_is_asked_in_its_own_words():
    import io
    assert redis_server.command("SET", "k", 7) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n7\r\n"
    assert redis_server.read_reply(io.BytesIO(b"*2\r\n:7\r\n$2\r\nab\r\n")) == [7, b"ab"]
    assert redis_server.read_reply(io.BytesIO(b"$-1\r\n")) is None
