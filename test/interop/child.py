"""Processes that the tests start: they end with the test, also where the test runner is killed."""
import ctypes
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(command, **options):
    """Starts a child; call it from the main thread, since the kernel ties the child to the thread that forked."""
    return subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                            preexec_fn=_die_with_parent, **options)


def stop(process, seconds=10):
    """SIGTERM, then SIGKILL; the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def kill(process):
    if process.poll() is None:
        process.kill()
    return process.wait()
