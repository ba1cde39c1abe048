"""Errors become one line on stderr and an exit code; nothing else of them reaches the user unless --debug asks."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
import warnings

from cyclopts import CycloptsError, MissingArgumentError, UnusedCliTokensError

from ganvas.cli.output import printable
from ganvas.errors import GanvasError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
REFUSED = (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError)
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "Cannot allocate memory")


class Failed(GanvasError):
    """A command did its work, and what it measured is not good enough."""

    exit_code = 1


def run(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code (``ganvas.cli.main`` lists them)."""
    debug = "--debug" in arguments or os.environ.get("GANVAS_DEBUG", "") not in {"", "0"}
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks must not end a command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    attend(quiet=bool({"-q", "--quiet"} & set(arguments)))
    try:
        from ganvas.cli.app import build, command_names

        build(whole=not arguments or arguments[0] not in command_names())(arguments)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:
        # The reader (head, less) has gone; Python's exit must not complain when it flushes stdout again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as leaving:
        # rich does the same by itself, but calls it a failure.
        return 0 if isinstance(leaving.__context__, BrokenPipeError) else int(leaving.code or 0)
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        line, code = verdict(error)
        print(f"error: {printable(line)}" if code < 128 else printable(line), file=sys.stderr)
        return code


def attend(*, quiet: bool) -> None:
    """Shows warnings, and what the library logs (downloads, files that were skipped), as messages of one line."""
    logger = logging.getLogger("ganvas")
    logger.handlers = [Messages()]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False

    def show(message: Warning | str, category: type[Warning], *where: object, **rest: object) -> None:
        if issubclass(category, UserWarning):
            logger.warning("%s", message)

    warnings.showwarning = show


class Messages(logging.Handler):
    """Each record as one line on what stderr is at that moment: the live display takes it in while it is drawn."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno >= logging.WARNING else ""
        print(prefix + printable(one_line(record.getMessage())), file=sys.stderr)


def verdict(error: BaseException) -> tuple[str, int]:
    """The one line and the exit code of an error."""
    if isinstance(error, GanvasError):
        return one_line(str(error)), error.exit_code
    if isinstance(error, CycloptsError):
        return one_line(str(error)) + mend_of(error), 2
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(w in str(error) for w in OUT_OF_MEMORY)):
        return "memory ran out: take a smaller --batch-size, --size or --width", 6
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        where = f" at {error.filename}" if error.filename else ""
        return f"the disk is full{where}: free some space, what was saved before is intact", 6
    if isinstance(error, REFUSED) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or 'refused').lower()}: name another place or mend its permissions", 2
    return f"internal: {type(error).__name__}: {one_line(str(error))}: rerun with --debug and report what it shows", 1


def mend_of(error: CycloptsError) -> str:
    """What cyclopts does not say of an argument that is missing, or one too many: what to write."""
    if isinstance(error, UnusedCliTokensError):
        return " --help shows what it takes."
    if isinstance(error, MissingArgumentError) and error.argument is not None and error.argument.name == "--data":
        return " Name what to learn from, as in --data mnist or --data FOLDER; `ganvas data list` shows all."
    return ""


def one_line(text: str) -> str:
    """``text`` with its line breaks made spaces."""
    return " ".join(text.split())
