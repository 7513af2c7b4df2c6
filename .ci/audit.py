"""Asks whether a locked dependency has a known vulnerability; part of `make check`.

Where nobody answers it says so and lets the check pass, unless AUDIT=required is set, or the locked
versions are so old that somebody has to look.
"""

import os
import subprocess
import sys
import time

PATIENCE = 60
DAY = 86_400
OLDEST = 180  # days for which locked versions may go without an answer
FOUND = 1  # what uv ends with when there is something; with 2 when it could not ask


def main() -> int:
    """Give the exit status of the check."""
    command = [sys.executable, "-m", "uv", "audit", "--frozen", "--preview-features", "audit"]
    environment = {"UV_HTTP_RETRIES": "1", "UV_HTTP_TIMEOUT": "15", **os.environ}
    try:
        audit = subprocess.run(  # noqa: S603  # nothing of it comes from outside
            [*command, *sys.argv[1:]],
            env=environment, timeout=PATIENCE, capture_output=True, text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return _unanswered(f"no answer within {PATIENCE} seconds")
    if audit.returncode not in (0, FOUND):
        return _unanswered(" ".join(audit.stderr.split()) or f"uv ended with {audit.returncode}")
    sys.stdout.write(audit.stdout + audit.stderr)
    return audit.returncode


def _unanswered(why: str) -> int:
    age = _days_locked()
    sys.stderr.write(f"NOT AUDITED for known vulnerabilities: {why[:300]}\n")
    if age > OLDEST:
        sys.stderr.write(f"uv.lock is {age} days old: lock anew, or audit where one answers\n")
    return 1 if age > OLDEST or os.environ.get("AUDIT") == "required" else 0


def _days_locked() -> int:
    """Say for how many days uv.lock has stood as it is; 0 where git does not tell."""
    asked = ["git", "log", "-1", "--format=%ct", "--", "uv.lock"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    except OSError:
        return 0
    return int(time.time() - int(told)) // DAY if told.strip().isdigit() else 0


if __name__ == "__main__":
    sys.exit(main())
