"""Where the stack keeps what: one data directory, one cache a user, one short socket directory."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from stack.messages import StackError

MARKER = ".marathon-stack"

# A Unix socket's path may have 107 bytes on Linux; the longest of ours ends in "/pg/.s.PGSQL.5432".
SOCKET_DIR_LIMIT = 80

PARTS = ("postgres", "valkey", "solr", "logs", "run", "site")


def cache_dir() -> Path:
    """Return the machine user's cache directory: ``MARATHON_CACHE`` or under ``~/.cache``."""
    chosen = os.environ.get("MARATHON_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path.home() / ".cache" / "ckanext-marathon"


def free_megabytes(path: Path) -> int:
    """Return how many megabytes are free where ``path`` is or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // 1_000_000


def _passable() -> int:
    """Return the mode of a directory that PostgreSQL passes through.

    Started as root, it runs under another account.
    """
    return 0o711 if os.geteuid() == 0 else 0o700


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)


def last_line(log: Path) -> str:
    """Return the last line of a log that says something, at most 300 characters of it."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


@dataclass(frozen=True)
class Layout:
    """The files of one data directory."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Layout:
        """Create the directory, or accept one that the stack made before.

        Raises:
            StackError: it holds other things.
        """
        root = root.expanduser().resolve()
        if root.is_dir() and any(root.iterdir()) and not (root / MARKER).exists():
            raise StackError(
                f"{root} is not empty and was not made by this programme; choose another one",
                f"{root} no está vacío y no lo creó este programa; elija otro",
            )
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(_passable())
        (root / MARKER).touch()
        layout = cls(root)
        layout._make_parts()
        return layout

    def _make_parts(self) -> None:
        self.logs.mkdir(exist_ok=True, mode=0o700)
        self.access_log.parent.mkdir(exist_ok=True, mode=0o700)
        self.site.mkdir(exist_ok=True, mode=0o700)
        self.run.mkdir(exist_ok=True)
        self.run.chmod(_passable())
        self.heartbeats.mkdir(exist_ok=True, mode=0o700)

    def check_space(self, needed: int) -> None:
        """Make sure that the disk has ``needed`` megabytes.

        Raises:
            StackError: it has fewer.
        """
        free = free_megabytes(self.root)
        if free < needed:
            raise StackError(
                f"no disk space: {needed} MB are needed in {self.root}, {free} MB are free",
                f"no hay espacio en disco: se necesitan {needed} MB en {self.root} "
                f"y hay {free} MB libres",
            )

    def clear(self) -> None:
        """Delete everything in it but the marker and the lock."""
        for part in PARTS:
            shutil.rmtree(self.root / part, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        self._make_parts()

    @property
    def postgres(self) -> Path:
        """Return PostgreSQL's data directory."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Return where Valkey writes its file."""
        return self.root / "valkey"

    @property
    def solr(self) -> Path:
        """Return Solr's home: cores with their configuration and index."""
        return self.root / "solr"

    @property
    def logs(self) -> Path:
        """Return the directory of the log files."""
        return self.root / "logs"

    @property
    def access_log(self) -> Path:
        """Return the web server's access log; older ones end in ``.1`` and so on."""
        return self.logs / "access" / "access.log"

    @property
    def run(self) -> Path:
        """Return the directory of generated configuration and secrets of the services."""
        return self.root / "run"

    @property
    def heartbeats(self) -> Path:
        """Return the directory of the files by which processes show that they do not hang."""
        return self.run / "heartbeats"

    @property
    def site(self) -> Path:
        """Return the directory of the CKAN site: ``ckan.ini``, logins, uploads."""
        return self.root / "site"

    @property
    def lock(self) -> Path:
        """Return the file whose lock says that somebody runs this directory."""
        return self.root / "lock"

    @property
    def sockets(self) -> Path:
        """Return the directory for Unix sockets, with a path short enough for the kernel."""
        inside = self.run / "sockets"
        # CKAN reads addresses with a percent sign in them as ConfigParser's interpolation.
        if len(os.fsencode(inside)) <= SOCKET_DIR_LIMIT and quote(str(inside)) == str(inside):
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"marathon-{os.geteuid()}-{digest}"

    def make_sockets(self) -> Path:
        """Create the socket directory and return it.

        Raises:
            StackError: a directory of that name belongs to somebody else.
        """
        sockets = self.sockets
        sockets.mkdir(exist_ok=True, mode=0o700, parents=True)
        found = sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise StackError(
                f"{sockets} belongs to another user; remove it or set TMPDIR",
                f"{sockets} es de otro usuario; elimínelo o indique TMPDIR",
            )
        sockets.chmod(_passable())
        return sockets
