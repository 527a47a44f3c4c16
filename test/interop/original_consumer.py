"""The original's subscriber (S1 to S18): one Redis connection for each client, and a replay that reads the whole log.

It decodes as strictly as the original, so that what it understands of a hub's messages the original understands too.
"""
import json
import time
import uuid

import redis

from original_model import BROADCAST, OriginalEvent, matches, user_channel, user_stream, validate_categories


class StreamDied(Exception):
    """What the original does not catch: the client's stream is over (D5)."""


class LiveSubscription:
    """The live half. Take events with `take` and `until`; `warnings` holds what was skipped (S9)."""

    def __init__(self, client, user_id, categories):
        self.categories = categories
        self.warnings = []
        self.raw = []  # (channel, bytes) of every message, in the order of arrival
        self.events = []
        self.confirmed = 0
        self._pubsub = client.pubsub()
        self._pubsub.subscribe(user_channel(user_id), BROADCAST)
        deadline = time.monotonic() + 10
        while self.confirmed < 2:
            if time.monotonic() > deadline:
                raise StreamDied("no confirmation of SUBSCRIBE")
            self._step(0.2)

    def until(self, wanted, seconds=15):
        """Reads until `wanted(events)` holds; the events so far."""
        deadline = time.monotonic() + seconds
        while not wanted(self.events):
            if time.monotonic() > deadline:
                raise AssertionError(f"the original's consumer waited {seconds} s in vain; it has "
                                     f"{len(self.events)} events, warnings {self.warnings}")
            self._step(0.1)
        return self.events

    def take(self, count, seconds=15):
        return self.until(lambda events: len(events) >= count, seconds)

    def drain(self):
        """Reads what is there already."""
        while self._step(0.05):
            pass
        return self.events

    def close(self):
        self._pubsub.close()

    def _step(self, seconds):
        message = self._pubsub.get_message(timeout=seconds)
        if message is None:
            return False
        if message["type"] != "message":  # S8
            self.confirmed += message["type"] == "subscribe"
            return True
        self.raw.append((message["channel"], message["data"]))
        event = self._decode(message["data"])
        if event is not None and matches(event, self.categories):
            self.events.append(event)
        return True

    def _decode(self, data):
        try:
            return OriginalEvent.from_dict(json.loads(data))
        except json.JSONDecodeError as error:
            self.warnings.append(f"Failed to parse SSE event message: {error}")
        except (KeyError, ValueError) as error:
            self.warnings.append(f"Invalid SSE event data: {error!r}")
        except (TypeError, AttributeError) as error:  # S10
            raise StreamDied(f"{error!r} at {data[:200]!r}") from error
        return None


class OriginalSubscriber:
    """`subscribe` and `get_missed_events`, as the original's endpoint uses them."""

    def __init__(self, client, retention=True):
        self.client = client
        self.retention = retention
        self.warnings = []

    def subscribe(self, user_id, categories=None):
        validate_categories(categories)  # S1: before any use of Redis
        return LiveSubscription(self.client, user_id, categories)

    def get_missed_events(self, user_id, last_event_id, categories=None):
        """S13 to S18: everything after the marker, in order; an unknown marker is an empty list and no signal."""
        if not self.retention:
            return []
        try:
            entries = self.client.xrange(user_stream(user_id))
        except redis.RedisError as error:
            self.warnings.append(error)
            return []
        marker, found, missed = str(last_event_id), False, []
        for _, fields in entries:
            fields = {_text(name): _text(value) for name, value in fields.items()}
            if not found:
                found = fields.get("event_id") == marker
                continue
            event = self._event(user_id, fields)
            if event is not None and matches(event, categories):
                missed.append(event)
        return missed

    def _event(self, user_id, fields):
        try:
            return OriginalEvent.from_dict({"event_id": fields["event_id"], "event_type": fields["event_type"],
                                            "user_id": str(uuid.UUID(str(user_id))),
                                            "data": json.loads(fields["data"]),
                                            "occurred_at": fields["occurred_at"]})
        except (KeyError, ValueError) as error:  # S16
            self.warnings.append(error)
            return None


def _text(value):
    return value.decode() if isinstance(value, bytes) else value
