"""The command line. Nothing heavy is imported before a command needs it: ``ganvas --help`` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    Args:
        arguments: the words after ``ganvas``; the process's own when None.

    Returns:
        0 done; 1 internal error; 2 usage; 3 data; 4 checkpoint or model; 5 diverged; 6 resources; 130 Ctrl-C; 143 SIGTERM.
    """
    from ganvas.cli.failures import run

    return run(sys.argv[1:] if arguments is None else list(arguments))
