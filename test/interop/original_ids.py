"""UUIDs of version 7 in the two layouts that meet on a shared Redis.

The original makes its ids by the draft of 2021, which sorts differently from RFC 9562; a reader that ordered ids of
one by the rules of the other would be wrong by decades, so both are made here.
"""
import os
import time
import uuid

NIL = uuid.UUID(int=0)


def draft_uuid7(nanoseconds=None, sequence=0):
    """36 bits of seconds, 24 of the fraction (12 before and 12 after the version), 14 of sequence, 48 random."""
    now = time.time_ns() if nanoseconds is None else nanoseconds
    seconds, rest = divmod(now, 1_000_000_000)
    fraction = (rest << 24) // 1_000_000_000
    value = (seconds & (2**36 - 1)) << 92
    value |= (fraction >> 12) << 80
    value |= 7 << 76
    value |= (fraction & 0xFFF) << 64
    value |= 0b10 << 62
    value |= (sequence & 0x3FFF) << 48
    value |= int.from_bytes(os.urandom(6), "big")
    return uuid.UUID(int=value)


def rfc_uuid7(milliseconds=None):
    """48 bits of milliseconds, 12 random, 62 random."""
    now = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    random = int.from_bytes(os.urandom(10), "big")
    value = (now & (2**48 - 1)) << 80
    value |= 7 << 76
    value |= (random >> 68) << 64
    value |= 0b10 << 62
    value |= random & (2**62 - 1)
    return uuid.UUID(int=value)


def milliseconds_of(text):
    """The time in an id of RFC 9562's layout."""
    return uuid.UUID(str(text)).int >> 80


def sequence_of(text):
    """The 12 bits after the version, where a hub keeps the sequence within the millisecond."""
    return (uuid.UUID(str(text)).int >> 64) & 0xFFF
