"""Waits for conditions with a deadline, and for free ports."""
import socket
import time

PATIENCE = 20.0  # seconds; generous, as a loaded machine may be slow but a right answer always comes


def eventually(check, what, seconds=PATIENCE):
    """The first true value of `check()`; an AssertionError with `what` at the deadline. `what` may be a callable."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.01)


def holds_for(check, what, seconds):
    """That nothing happens can only be watched for a while: `check()` must be true all along."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check(), what() if callable(what) else what
        time.sleep(0.01)


_given = set()


def free_port():
    """A port that nothing listens on, and that this process has not given out before."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
