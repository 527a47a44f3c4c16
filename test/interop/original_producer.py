"""The original's two producers: the API's publisher and the jobs' publisher (contract 2.3 to 2.5, P1 to P11).

They fail open: what goes wrong is kept in `warnings`, never raised.
"""
import json

import redis

from original_ids import NIL
from original_model import BROADCAST, OriginalEvent, user_channel, user_stream


class OriginalPublisher:
    """PUBLISH, then XADD, then TTL and perhaps EXPIRE: four round trips, nothing of it atomic (D3)."""

    def __init__(self, client, retention=False, max_len=1000, ttl=3600):
        self.client = client
        self.retention = retention
        self.max_len = max_len
        self.ttl = ttl
        self.warnings = []

    def publish(self, event):
        self.publish_to_user(event.user_id, event)

    def publish_to_user(self, user_id, event, between=None):
        """`between` is called after PUBLISH and before XADD, where a slow original would stand."""
        try:
            fields = event.to_dict()
            self.client.publish(user_channel(user_id), json.dumps(fields))
            if between is not None:
                between()
            if self.retention:
                self._retain(user_stream(user_id), fields)
        except (redis.RedisError, TypeError, ValueError) as error:
            self.warnings.append(error)

    def broadcast(self, event):
        try:
            self.client.publish(BROADCAST, json.dumps(event.to_dict()))
        except (redis.RedisError, TypeError, ValueError) as error:
            self.warnings.append(error)

    def _retain(self, key, fields):
        entry = {"event_id": fields["event_id"], "event_type": fields["event_type"],
                 "data": json.dumps(fields["data"]), "occurred_at": fields["occurred_at"]}
        self.client.xadd(key, entry, maxlen=self.max_len, approximate=True)
        if self.client.ttl(key) == -1:  # set once in the key's life: retention counts from the first entry (D7)
            self.client.expire(key, self.ttl)


def tick(client):
    """Waits for Redis's next millisecond: two stores in one millisecond have no order between two logs."""
    begin = client.time()
    while _milliseconds(client.time()) <= _milliseconds(begin):
        pass


def _milliseconds(time):
    return time[0] * 1000 + time[1] // 1000


class SteadyPublisher(OriginalPublisher):
    """The same bytes and the same order of PUBLISH and XADD, but in one transaction and a millisecond of their own.

    For tests that say exactly which id arrives: a slow machine does not move XADD out of the time that a hub waits.
    """

    def __init__(self, client):
        super().__init__(client, retention=True)

    def publish_to_user(self, user_id, event, between=None):
        assert between is None
        tick(self.client)
        fields, key = event.to_dict(), user_stream(user_id)
        entry = {**fields, "data": json.dumps(fields["data"])}
        del entry["user_id"]
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.publish(user_channel(user_id), json.dumps(fields))
            pipeline.xadd(key, entry, maxlen=self.max_len, approximate=True)
            pipeline.execute()
        if self.client.ttl(key) == -1:
            self.client.expire(key, self.ttl)


class JobsPublisher:
    """The second producer: the same JSON, any type, nothing retained, the nil user on broadcasts (P11)."""

    def __init__(self, client):
        self.client = client
        self.warnings = []

    def publish_to_user(self, user_id, event_type, data):
        return self._publish(user_channel(user_id), OriginalEvent(event_type, user_id, data))

    def broadcast(self, event_type, data, system_user_id=None):
        return self._publish(BROADCAST, OriginalEvent(event_type, system_user_id or NIL, data))

    def _publish(self, channel, event):
        try:
            self.client.publish(channel, json.dumps(event.to_dict()))
        except redis.RedisError as error:
            self.warnings.append(error)
        return event
