"""What a result was measured on: the machine, the kernel, the revision."""
import os
import pathlib
import platform
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _read(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def field(text, name):
    """The first `name : value` of a file of /proc."""
    for line in text.split("\n"):
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def machine():
    memory = field(_read("/proc/meminfo"), "MemTotal").split()
    return {
        "model": field(_read("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "congestion_control": _read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "memory_mib": int(memory[0]) // 1024 if memory else 0,
    }


def available_mib():
    return int(field(_read("/proc/meminfo"), "MemAvailable").split()[0]) // 1024


def slab_kb():
    return int(field(_read("/proc/meminfo"), "Slab").split()[0])


def output(*command):
    """What a program says of itself, on either output; nothing if it cannot be run."""
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=20,
                              check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def revision():
    head = output("git", "-C", ROOT, "rev-parse", "--short=12", "HEAD")
    dirty = output("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no")
    return head + ("+changes" if dirty else "")


def stolen():
    """(seconds of steal, seconds in softirq) of the whole machine since it began."""
    words = _read("/proc/stat").split("\n")[0].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return int(words[8]) / ticks, int(words[7]) / ticks


def ksoftirqd_seconds():
    """CPU of the kernel's own threads for what interrupts left over; much of it means that figures are too good."""
    total = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _read(f"/proc/{entry}/comm").startswith("ksoftirqd"):
            total += int((_read(f"/proc/{entry}/schedstat") or "0").split()[0])
    return total / 1e9
