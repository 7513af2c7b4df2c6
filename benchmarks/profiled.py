"""Runs the bot under a profiler that signals switch on and off: SIGUSR1, SIGUSR2.

python -m benchmarks.profiled cpu|wall FILE serve
"""

import cProfile
import runpy
import signal
import sys
import time


def main() -> None:
    kind, file = sys.argv.pop(1), sys.argv.pop(1)
    # Time on the processor, or time that passes: waiting for another thread is in the second.
    clock = time.thread_time_ns if kind == "cpu" else time.perf_counter_ns
    profile = cProfile.Profile(clock, 1e-9)

    def stop(*_: object) -> None:
        profile.disable()
        profile.dump_stats(file)

    signal.signal(signal.SIGUSR1, lambda *_: profile.enable())
    signal.signal(signal.SIGUSR2, stop)
    runpy.run_module("bot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
