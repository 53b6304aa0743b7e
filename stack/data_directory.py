"""The data directory of a site: its files, its lock, and its reserve of disk space.

**Lock.** Every process of the stack has the path of its data directory in its environment, and the
process that runs a data directory holds a lock on a file in it. If nobody holds the lock, a process
with that path is an orphan, whatever the files with process ids contain.

**Full disk.** The site must stay readable. CKAN refuses saves while less than
``SAVES_NEED_MEGABYTES`` are free (``ckanext.marathon.disk_free_mb``), long before the servers run
out of space. Other programs on the machine may still fill the disk. For that case there is a file
of ``RESERVE_MEGABYTES``, which is deleted when almost nothing is free: reading makes the servers
write a little, above all PostgreSQL's log, and PostgreSQL stops when it cannot. A second file of
``START_MEGABYTES`` is deleted only by the next start, because servers killed on a full disk need
space to recover.

**Heartbeats** are files called NAME-PID that a process touches every few seconds unless it hangs;
``ckan marathon doctor`` checks them. Files of processes that have ended are ignored.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from stack.messages import StackError

TEMPLATES = Path(__file__).parent / "templates"

MARKER = ".marathon-stack"
# Environment variable of every process of the stack: the path of its data directory.
MARK = "MARATHON_STACK_DIR"

# A Unix socket's path may have 107 bytes on Linux; the longest of ours ends in "/pg/.s.PGSQL.5432".
SOCKET_DIR_LIMIT = 80

SAVES_NEED_MEGABYTES = 100
RESERVE_MEGABYTES = 64
START_MEGABYTES = 40
# PostgreSQL's log grows by files of 16 MB.
RELEASE_BELOW_MEGABYTES = 24
# Seconds after a full disk in which an error of a server may be caused by it.
SHORT_SECONDS = 180


class Layout:
    """The files of one data directory.

    Attributes:
        root: the directory itself.
        postgres: PostgreSQL's data directory.
        valkey: Valkey's data directory.
        solr: Solr's home: cores with their configuration and index.
        logs: the log files of the programmes.
        access_log: the web server's access log; older ones end in ``.1`` and so on.
        run: generated configuration and secrets of the servers.
        heartbeats: the files by which processes show that they do not hang.
        site: the CKAN site: ``ckan.ini``, logins, uploads.
        lock: locked by the process that runs this directory.
        sockets: the Unix sockets, with a path short enough for the kernel.
    """

    def __init__(self, root: Path) -> None:
        """Set the paths; nothing is created."""
        self.root = root
        self.postgres = root / "postgres"
        self.valkey = root / "valkey"
        self.solr = root / "solr"
        self.logs = root / "logs"
        self.access_log = self.logs / "access" / "access.log"
        self.run = root / "run"
        self.heartbeats = self.run / "heartbeats"
        self.site = root / "site"
        self.lock = root / "lock"
        self.sockets = _choose_socket_directory(root, self.run / "sockets")

    @classmethod
    def open(cls, root: Path) -> Layout:
        """Create the directory, or open one that the stack created before.

        Raises:
            StackError: it contains other files.
        """
        root = root.expanduser().resolve()
        if root.is_dir() and any(root.iterdir()) and not (root / MARKER).exists():
            raise StackError(
                f"{root} is not empty and was not made by this programme; choose another one",
                f"{root} no está vacío y no lo creó este programa; elija otro",
            )
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(_passable_mode())
        (root / MARKER).touch()
        layout = cls(root)
        layout._make_directories()
        return layout

    @classmethod
    def open_existing(cls, root: Path) -> Layout:
        """Open a directory that the stack created before.

        Raises:
            StackError: there is no site in it.
        """
        root = root.expanduser().resolve()
        if not (root / MARKER).exists():
            raise StackError(
                f"there is no site in {root}; `make run` creates one",
                f"no hay ningún sitio en {root}; `make run` lo crea",
            )
        return cls(root)

    def _make_directories(self) -> None:
        self.run.mkdir(exist_ok=True)
        self.run.chmod(_passable_mode())
        for directory in (self.logs, self.access_log.parent, self.site, self.heartbeats):
            directory.mkdir(exist_ok=True, mode=0o700)

    def check_space(self, needed: int) -> None:
        """Check that ``needed`` megabytes are free.

        Raises:
            StackError: there are fewer.
        """
        free = count_free_megabytes(self.root)
        if free < needed:
            raise StackError(
                f"no disk space: {needed} MB are needed in {self.root}, {free} MB are free",
                f"no hay espacio en disco: se necesitan {needed} MB en {self.root} "
                f"y hay {free} MB libres",
            )

    def clear(self) -> None:
        """Delete data, logs, site and sockets; marker, lock and reserve files stay."""
        parts = (self.postgres, self.valkey, self.solr, self.logs, self.run, self.site)
        for part in (*parts, self.sockets):
            shutil.rmtree(part, ignore_errors=True)
        self._make_directories()

    def make_sockets(self) -> None:
        """Create the directory of the sockets.

        Raises:
            StackError: a directory of that name belongs to another user.
        """
        self.sockets.mkdir(exist_ok=True, mode=0o700, parents=True)
        found = self.sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise StackError(
                f"{self.sockets} belongs to another user; remove it or set TMPDIR",
                f"{self.sockets} es de otro usuario; elimínelo o indique TMPDIR",
            )
        self.sockets.chmod(_passable_mode())


def _choose_socket_directory(root: Path, inside: Path) -> Path:
    # ConfigParser reads a percent sign as interpolation.
    if len(os.fsencode(inside)) <= SOCKET_DIR_LIMIT and quote(str(inside)) == str(inside):
        return inside
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"marathon-{os.geteuid()}-{digest}"


def _passable_mode() -> int:
    """Return the mode of a directory above PostgreSQL's data.

    Started as root, PostgreSQL runs under another account, which needs to pass through it.
    """
    return 0o711 if os.geteuid() == 0 else 0o700


def locate_cache() -> Path:
    """Return the cache directory of the user: ``MARATHON_CACHE`` or under ``~/.cache``."""
    chosen = os.environ.get("MARATHON_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path.home() / ".cache" / "ckanext-marathon"


def count_free_megabytes(path: Path) -> int:
    """Return how many megabytes are free where ``path`` is or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free // 1_000_000


def write_secret(path: Path, text: str) -> None:
    """Write a file that is created with mode 600."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


def write_config(path: Path, template: str, **values: object) -> None:
    """Write a configuration file from a template in ``templates/``, with mode 600."""
    # Imported late: stopping a site and reading its logs need no templates.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(),
        undefined=jinja2.StrictUndefined,
        finalize=_escape_percent_sign,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    write_secret(path, environment.get_template(template).render(values))


def _escape_percent_sign(value: object) -> str:
    """Return a value with doubled percent signs, for ini files."""
    return str(value).replace("%", "%%")


def read_last_line(log: Path) -> str:
    """Return the last line of a log that is not blank, at most 300 characters."""
    if not log.exists():
        return ""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


# Lock


@contextmanager
def hold_directory(layout: Layout) -> Generator[None]:
    """Lock the data directory, and end processes that an earlier run has left.

    Raises:
        StackError: another process holds the lock.
    """
    with layout.lock.open("a+", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"{layout.root} is in use by process {find_holder(layout) or '?'}; "
                "`make stop` ends it",
                f"{layout.root} está en uso por el proceso {find_holder(layout) or '?'}; "
                "`make stop` lo detiene",
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        end_processes(find_orphans(layout))
        yield


def find_holder(layout: Layout) -> int | None:
    """Return the id of the process that runs the data directory, ``None`` if none does."""
    if not layout.lock.exists():
        return None
    with layout.lock.open("r", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = stream.read().strip()
            return int(text) if text.isdigit() else None
    return None


def find_orphans(layout: Layout) -> list[psutil.Process]:
    """Return the other processes with this data directory in their environment."""
    orphans: list[psutil.Process] = []
    for process in psutil.process_iter():
        # The environment of other users' processes cannot be read.
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(layout.root) and process.pid != os.getpid():
                orphans.append(process)
    return orphans


def end_processes(processes: list[psutil.Process], patience: float = 20) -> None:
    """Send SIGTERM to the processes and, after ``patience`` seconds, SIGKILL."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


# Reserve of disk space


class DiskReserve:
    """The reserve files of a data directory, and whether its disk was full recently."""

    def __init__(self, layout: Layout) -> None:
        """Set the paths; nothing is written."""
        self.layout = layout
        self.path = layout.root / "reserve"
        self.start_path = layout.root / "reserve-start"
        self._short_at: float | None = None

    def update(self) -> None:
        """Delete the reserve if the disk is full; create both files again if there is space."""
        free = count_free_megabytes(self.layout.root)
        if not self.has_room():
            self._short_at = time.monotonic()
        if free < RELEASE_BELOW_MEGABYTES:
            self.path.unlink(missing_ok=True)
        elif free > SAVES_NEED_MEGABYTES + 2 * RESERVE_MEGABYTES + START_MEGABYTES:
            _allocate_file(self.path, RESERVE_MEGABYTES)
            _allocate_file(self.start_path, START_MEGABYTES)

    def release_for_start(self) -> None:
        """Delete the reserve files if too little is free to start a site."""
        for path in (self.path, self.start_path):
            if count_free_megabytes(self.layout.root) < RELEASE_BELOW_MEGABYTES:
                path.unlink(missing_ok=True)

    def has_room(self) -> bool:
        """Return whether enough is free for saves."""
        return count_free_megabytes(self.layout.root) >= SAVES_NEED_MEGABYTES

    def was_short_lately(self) -> bool:
        """Return whether the disk has been too full for saves within ``SHORT_SECONDS``."""
        return self._short_at is not None and time.monotonic() - self._short_at < SHORT_SECONDS


def _allocate_file(path: Path, megabytes: int) -> None:
    if path.exists():
        return
    # Other programs may use the space meanwhile; the next second tries again.
    with suppress(OSError), path.open("wb") as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, megabytes * 1_000_000)
        except OSError:
            path.unlink(missing_ok=True)
            raise


# Heartbeats


def write_heartbeat(directory: Path, name: str, pid: int | None = None) -> None:
    """Touch the heartbeat file of a process, by default of this one."""
    # A full disk may have no space for a new file.
    with suppress(OSError):
        (directory / f"{name}-{pid or os.getpid()}").touch()


def delete_ended_heartbeats(directory: Path) -> None:
    """Delete the heartbeat files of processes that have ended."""
    for path in directory.glob("*-*"):
        if not Path("/proc", path.name.rpartition("-")[2]).exists():
            path.unlink(missing_ok=True)
