"""The command line. Nothing heavy is imported before a command needs it: ``ganvas --help`` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        arguments: the words after ``ganvas``; the process's own when None.

    Returns:
        0 done; 1 internal error; 2 usage; 3 data; 4 checkpoint or model; 5 diverged; 6 resources; 130 Ctrl-C; 143 SIGTERM.
    """
    # OpenMP's waiting threads spin for milliseconds by default. On a machine with other work they spin where that work should
    # run, and each of the step's thousand barriers waits for it: five times slower on two busy cores, no faster on idle ones.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

    from ganvas.cli.failures import run

    return run(sys.argv[1:] if arguments is None else list(arguments))
