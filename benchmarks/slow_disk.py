"""A disk whose fsync takes two milliseconds longer: what a cheap cloud disk is like."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).parent / "slow_fsync.c"


def build(folder: Path) -> Path | None:
    """Compile what is to be loaded before the C library; ``None`` without a compiler."""
    compiler = next((one for name in ("cc", "gcc", "clang") if (one := shutil.which(name))), None)
    if compiler is None:
        return None
    library = folder / "slow_fsync.so"
    command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return library if done.returncode == 0 else None
