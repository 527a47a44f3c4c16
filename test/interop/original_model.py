"""The original's event: its closed set of types, its dictionary form and its categories (V1-V6).

Written from the contract's text. It is as strict and as lax as the original: what it cannot read is a KeyError, a
ValueError or a TypeError, and which of them decides whether a message is skipped or kills the stream (S9, S10).
"""
import dataclasses
import datetime
import typing
import uuid

from original_ids import draft_uuid7

CATEGORIES = ("data_sync", "provider", "ai", "import", "portfolio", "security")

_TYPES = {
    "data_sync": ("sync.accounts.started", "sync.accounts.completed", "sync.accounts.failed",
                  "sync.transactions.started", "sync.transactions.completed", "sync.transactions.failed",
                  "sync.holdings.started", "sync.holdings.completed", "sync.holdings.failed"),
    "provider": ("provider.token.expiring", "provider.token.refreshed", "provider.token.failed",
                 "provider.disconnected"),
    "ai": ("ai.response.chunk", "ai.tool.executing", "ai.response.complete"),
    "import": ("import.started", "import.progress", "import.completed", "import.failed"),
    "portfolio": ("portfolio.balance.updated", "portfolio.holdings.updated", "portfolio.networth.updated"),
    "security": ("security.session.new", "security.session.suspicious", "security.session.expiring",
                 "security.session.revoked", "security.password.changed", "security.login.failed"),
}
CATEGORY_OF = {type_: category for category, types in _TYPES.items() for type_ in types}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


@dataclasses.dataclass(frozen=True)
class OriginalEvent:
    event_type: str
    user_id: typing.Optional[uuid.UUID]
    data: object
    event_id: uuid.UUID = dataclasses.field(default_factory=draft_uuid7)
    occurred_at: datetime.datetime = dataclasses.field(default_factory=now)

    @property
    def category(self):
        return CATEGORY_OF[self.event_type]

    def to_dict(self):
        """Five fields in this order; str() of a user that is not there gives "None" (D1)."""
        return {"event_id": str(self.event_id), "event_type": self.event_type, "user_id": str(self.user_id),
                "data": self.data, "occurred_at": self.occurred_at.isoformat()}

    @classmethod
    def from_dict(cls, fields):
        type_ = fields["event_type"]
        event_id = uuid.UUID(fields["event_id"])
        if type_ not in CATEGORY_OF:
            raise ValueError(f"{type_!r} is not a valid SSEEventType")
        return cls(event_type=type_, user_id=uuid.UUID(fields["user_id"]), data=fields["data"], event_id=event_id,
                   occurred_at=datetime.datetime.fromisoformat(fields["occurred_at"]))


def user_channel(user):
    return f"sse:user:{user}"


def user_stream(user):
    return f"sse:stream:user:{user}"


BROADCAST = "sse:broadcast"


def user_of_channel(channel):
    """K2: exactly three parts, `sse`, `user` and a UUID; else none."""
    parts = channel.split(":")
    if len(parts) != 3 or parts[0] != "sse" or parts[1] != "user":
        return None
    try:
        return uuid.UUID(parts[2])
    except ValueError:
        return None


def validate_categories(categories):
    """S7, with the original's text."""
    for name in categories or ():
        if name not in CATEGORIES:
            raise ValueError(f"Invalid category '{name}'. Valid categories: {list(CATEGORIES)}")
    return list(categories or ())


def matches(event, categories):
    """S6: none is everything, an empty list is nothing."""
    return categories is None or event.category in categories
