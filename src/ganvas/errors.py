"""The errors a user can meet: one line that names the cause and the mend, and the exit code that the command line returns."""

from __future__ import annotations


class GanvasError(Exception):
    """Something went wrong that has a name. ``str(error)`` is one line: the cause, then the mend.

    Args:
        cause: what happened, where; a clause without a final full stop.
        mend: what to do about it; an imperative clause, or empty when there is nothing to do.
    """

    exit_code = 1

    def __init__(self, cause: str, mend: str = "") -> None:
        self.cause = cause
        self.mend = mend
        super().__init__(f"{cause}: {mend}" if mend else cause)


class UsageError(GanvasError):
    """The request cannot be meant: an unknown name, a value out of range, a shape that a method cannot do."""

    exit_code = 2


class DataError(GanvasError):
    """The training data is missing, empty, corrupt past the limit, or cannot be fetched."""

    exit_code = 3


class ModelError(GanvasError):
    """A checkpoint or model folder is missing, damaged, foreign, or newer than this version."""

    exit_code = 4


class Diverged(GanvasError):
    """Training produced non-finite values and was stopped; the last good state is kept."""

    exit_code = 5


class ResourceError(GanvasError):
    """Memory or disk ran out; nothing that was saved before is lost."""

    exit_code = 6
