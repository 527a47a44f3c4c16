"""Children of a run: pinned to a core, in a folder of their own, ended by process id whatever ends the driver."""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Why a system cannot be measured; it becomes a line of the report."""


_CORES = os.sched_getaffinity(0)


def server_core():
    return min(_CORES)


def generator_core():
    return max(_CORES)


def leave_the_servers_core():
    """The driver itself works on the generator's core, where it sleeps while something is measured."""
    os.sched_setaffinity(0, {generator_core()})


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def listens(port, host="127.0.0.1"):
    with socket.socket() as sock:
        sock.settimeout(1.0)
        return sock.connect_ex((host, port)) == 0


def until(condition, seconds, every=0.01):
    """Whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def descendants(pid):
    """The process and all below it, as long as they are there."""
    found, look = [], [pid]
    while look:
        one = look.pop()
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                text = pathlib.Path(f"/proc/{one}/task/{task}/children").read_text(encoding="ascii")
                look += [int(word) for word in text.split()]
        except OSError:
            continue
        found.append(one)
    return found


def cpu_seconds(pids):
    """What the processes have used so far, by the scheduler's count of nanoseconds."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            text = pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text(encoding="ascii")
            total += int(text.split()[0])
    return total / 1e9


def peak_kb(pids):
    """The most that the processes had resident, from the kernel's own mark, so that nothing was disturbed."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").split("\n"):
            if line.startswith("VmHWM:"):
                total += int(line.split()[1])
    return total


def _child(core):
    def prepare():
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})
    return prepare


class Folder:
    """A temporary directory that goes with the `with` block."""

    def __init__(self, name):
        self._name = name

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"tidings-bench-{self._name}-"))
        os.chmod(self.path, 0o755)  # some servers drop their rights
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Child:
    """One program and its log. `stop` ends it and what it started, asking first."""

    def __init__(self, name, command, folder, core, env=None, stdin=subprocess.DEVNULL):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.output = pathlib.Path(folder) / f"{name}.out"
        with open(self.log, "wb") as log, open(self.output, "wb") as out:
            try:
                self.process = subprocess.Popen([str(word) for word in command], cwd=folder, stdin=stdin,
                                                stdout=out, stderr=log, env={**os.environ, **(env or {})},
                                                preexec_fn=_child(core))
            except OSError as error:
                raise Failure(f"{name} does not start: {error}") from error

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def pids(self):
        return descendants(self.pid)

    def said(self):
        return self.output.read_text(encoding="utf-8", errors="replace")

    def last_words(self, lines=3):
        text = self.log.read_text(encoding="utf-8", errors="replace") + self.said()
        return " | ".join(text.strip().split("\n")[-lines:])[-400:]

    def wait_for(self, condition, seconds=15):
        """Waits until it serves; fails with its last words if it ends or does not get there."""
        if not until(lambda: condition() or not self.running(), seconds) or not self.running():
            raise Failure(f"{self.name} does not serve: {self.last_words() or 'it says nothing'}")

    def stop(self, seconds=5):
        family = self.pids()
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in family:  # what a killed parent leaves behind; a number is not used again so soon
            if pid != self.pid:
                _end(pid)


def _end(pid):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if until(lambda: not os.path.exists(f"/proc/{pid}"), 1.0):
            return
