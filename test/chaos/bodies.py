"""The bodies of every path that publishes, and what their answers say of each event."""
import json

from history import ACKED, REFUSED, UNKNOWN
from hubs import BASE

EVENTS, DOMAIN = BASE + "/events", BASE + "/domain-events"
DOMAIN_NAMES = {"user": ("AlphaHappened", "item.alpha"), "topic": ("BetaHappened", "item.beta"),
                "broadcast": ("NewsHappened", "item.news")}
PATHS = ("single", "users", "array", "ndjson", "domain", "cloud structured", "cloud batch", "cloud binary")
SEVERAL = ("array", "ndjson", "cloud batch")
CLOUD = ("cloud structured", "cloud batch", "cloud binary")  # source and id are a key always
SOURCE = "/chaos"


class Request:
    """One request and its events; repeated, it is the same bytes."""

    def __init__(self, path, target, body, fields, items, pad):
        self.path = path
        self.target = target
        self.body = body
        self.fields = fields
        self.items = items
        self.keyed = items[0].key is not None
        self.pad = pad


def _audience_members(logical):
    kinds = {a.partition(":")[0] for a in logical.audiences}
    names = [a.partition(":")[2] for a in logical.audiences]
    if "broadcast" in kinds:
        return {"broadcast": True}
    if "topic" in kinds:
        return {"topic": names[0]}
    return {"user_id": names[0]} if logical.path != "users" else {"user_ids": names}


def _data(logical, pad):
    return {"n": logical.n, "pad": pad or None}


def _event(logical, pad, with_key=True):
    item = {"type": logical.type, **_audience_members(logical), "data": _data(logical, pad)}
    if logical.key is not None and with_key:
        item["idempotency_key"] = logical.key
    return item


def _domain(logical, pad):
    kind, _, name = logical.audiences[0].partition(":")
    data = dict(_data(logical, pad))
    if kind != "broadcast":
        data[f"{kind}_id" if kind == "user" else "topic"] = name
    return DOMAIN_NAMES[kind][0], data


def _cloud(logical, pad):
    name, data = _domain(logical, pad)
    return {"specversion": "1.0", "id": logical.key, "source": SOURCE, "type": name, "data": data}


def build(path, items, pad, header_key=False):
    """The request that publishes these events. header_key: the key stands in the request's field where it may."""
    first = items[0]
    fields, target = [], EVENTS
    if path in ("single", "users"):
        body = json.dumps(_event(first, pad, not header_key))
        if header_key and first.key is not None:
            fields.append(("Idempotency-Key", first.key))
    elif path == "array":
        body = json.dumps([_event(item, pad, not header_key) for item in items])
        if header_key and first.key is not None:  # item n has the key K/n
            fields.append(("Idempotency-Key", first.key.rpartition("/")[0]))
    elif path == "ndjson":
        body = "".join(json.dumps(_event(item, pad)) + "\n" for item in items)
        fields.append(("Content-Type", "application/x-ndjson"))
    else:
        target = DOMAIN
        name, data = _domain(first, pad)
        if path == "domain":
            plain = {"name": name, "data": data}
            if first.key is not None:
                plain["idempotency_key"] = first.key
            body = json.dumps(plain)
        elif path == "cloud structured":
            body = json.dumps(_cloud(first, pad))
            fields.append(("Content-Type", "application/cloudevents+json"))
        elif path == "cloud batch":
            body = json.dumps([_cloud(item, pad) for item in items])
            fields.append(("Content-Type", "application/cloudevents-batch+json"))
        else:
            body = json.dumps(data)
            fields += [("Content-Type", "application/json"), ("ce-specversion", "1.0"), ("ce-id", first.key),
                       ("ce-source", SOURCE), ("ce-type", name)]
    return Request(path, target, body.encode(), fields, items, pad)


# ---- answers

def _problem(document):
    return str(document.get("type", "")).rpartition(":")[2] if isinstance(document, dict) else ""


def _of_problem(status, name):
    """(outcome, note): may it have been stored? Anything but a plain refusal to store is the caller's to report."""
    if name == "outcome-unknown" or (status == 503 and name not in ("store-unavailable", "overloaded", "draining")):
        return UNKNOWN, name or str(status)
    return REFUSED, name or str(status)


def _ids(item, logical):
    ids = item.get("ids") or [entry.get("id") for entry in item.get("published", [])]
    return dict(zip(logical.audiences, ids)) if len(ids) == len(logical.audiences) and all(ids) else None


def _of_item(item, logical):
    """(outcome, ids, note) of one item's answer."""
    status = item.get("status", 201)
    if status in (200, 201, 202):
        ids = _ids(item, logical)
        if ids is None:
            return UNKNOWN, {}, f"wrong answer {json.dumps(item)[:200]}"
        return ACKED, ids, ""
    outcome, note = _of_problem(status, _problem(item.get("problem", item)))
    return outcome, {}, note if status in (503, 507) else f"unexpected {status} {note}"


def read_answer(request, status, body, whole=True):
    """[(outcome, ids, note)] for each event. An answer that was cut says something of the lines it has."""
    def everywhere(outcome, note):
        return [(outcome, {}, note)] * len(request.items)
    several = request.path in SEVERAL
    if not whole and (request.path != "ndjson" or status != 200):
        return everywhere(UNKNOWN, "no whole answer")
    if status not in (200, 201, 202):
        try:
            name = _problem(json.loads(body))
        except ValueError:
            name = ""
        outcome, note = _of_problem(status, name)
        return everywhere(outcome, note if status in (503, 507) else f"unexpected {status} {name} {body[:200]!r}")
    try:
        if request.path == "ndjson":
            lines = body.split(b"\n")[:-1]
            answers = [json.loads(line) for line in lines if line.strip()]
        else:
            answers = json.loads(body)
            answers = answers if several else [answers]
    except ValueError:
        return everywhere(UNKNOWN, f"wrong answer {body[:200]!r}")
    if whole and len(answers) != len(request.items):
        return everywhere(UNKNOWN, f"wrong answer: {len(answers)} answers for {len(request.items)} events")
    read = [_of_item(answer, item) for answer, item in zip(answers, request.items)]
    return read + [(UNKNOWN, {}, "no whole answer")] * (len(request.items) - len(read))
