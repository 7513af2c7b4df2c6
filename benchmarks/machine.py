"""The processors: who runs where, and how much of one somebody else has used."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

SERVICE_CPU, LOAD_CPU = 0, 1
# Where processes run that are to have two.
_AVAILABLE = os.sched_getaffinity(0) if sys.platform == "linux" else set()
MORE_CPUS = (0, 2) if 2 in _AVAILABLE else (0, 1)


def can_pin() -> bool:
    """Say whether service and load can have a processor each."""
    return {SERVICE_CPU, LOAD_CPU} <= _AVAILABLE


@contextlib.contextmanager
def staying_on(*cpus: int) -> Iterator[None]:
    """Keep this thread, and the processes that it starts, on these processors for a while."""
    if not can_pin():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def processor_seconds(pids: Iterable[int]) -> float:
    """Give the processor time that processes have used, in all their threads."""
    return sum(sum(threads(pid).values()) for pid in pids)


def family(pid: int) -> list[int]:
    """Give a process and its children."""
    children: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children += map(int, file.read_text().split())
    return [pid, *children]


def threads(pid: int) -> dict[int, float]:
    """Give the processor time of a process's threads; the first one's number is the process's."""
    found: dict[int, float] = {}
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError, ValueError):
            used = int((task / "schedstat").read_text().split()[0])
            found[int(task.name)] = used / 1e9
    return found


def busy_seconds(cpu: int = SERVICE_CPU) -> float:
    """Give how long a processor has been busy since the machine started."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith(f"cpu{cpu} "):
                user, nice, system, _idle, _wait, irq, soft, *_ = map(int, line.split()[1:])
                return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")
    return 0.0


def resident_mib(pid: int) -> float:
    """Give a process's resident memory."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def described() -> str:
    """Say what machine and Python this is."""
    model = platform.machine()
    with contextlib.suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} processors; {platform.system()}; {python}"
