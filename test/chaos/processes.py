"""Children of the run: started with their output in a file, killed by process id, watched for a death of their own."""
import asyncio
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _end_with_the_driver():
    """In the child: whatever ends the driver leaves no server behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def eventually(condition, seconds, every=0.05):
    """Whether the condition (a function, perhaps asynchronous) became true in time."""
    until = time.monotonic() + seconds
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return True
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(every)


class Process:
    """One program. `owners` learns whose its connections are."""

    def __init__(self, name, folder, owners):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self._owners = owners
        self._child = None
        self.wanted = False  # whether it should be running

    @property
    def pid(self):
        return self._child.pid if self._child else None

    def spawn(self, command, env=None, stdout=None):
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                [str(word) for word in command], cwd=self.folder, stdin=subprocess.DEVNULL, stderr=log,
                stdout=log if stdout is None else stdout, env={**os.environ, **(env or {})},
                preexec_fn=_end_with_the_driver)
        self._owners.names[self._child.pid] = self.name
        self.wanted = True
        return self._child

    def running(self):
        return self._child is not None and self._child.poll() is None

    def died(self):
        """What killed it, if nobody here did."""
        if not self.wanted or self._child is None or self._child.poll() is None:
            return None
        tail = self.log.read_text(encoding="utf-8", errors="replace").rstrip().split("\n")[-15:]
        return f"{self.name} ended by itself with {self._child.returncode}:\n    " + "\n    ".join(tail)

    def send(self, number):
        if self.running():
            os.kill(self._child.pid, number)

    def pause(self):
        self.send(signal.SIGSTOP)

    def resume(self):
        self.send(signal.SIGCONT)

    async def kill(self, number=signal.SIGKILL):
        self.wanted = False
        if self._child is None:
            return
        if self._child.poll() is None:
            os.kill(self._child.pid, number)
            if not await eventually(lambda: self._child.poll() is not None, 10, 0.01):
                os.kill(self._child.pid, signal.SIGKILL)
                self._child.wait()
        self._owners.names.pop(self._child.pid, None)

    def kill_now(self):
        self.wanted = False
        if self.running():
            os.kill(self._child.pid, signal.SIGKILL)
            self._child.wait()
