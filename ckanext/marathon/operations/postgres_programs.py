"""PostgreSQL's own programs (``pg_dump``, ``pg_restore``, ``psql``), found and run for a database.

A password never stands in a command line, which every user of the machine can read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from psycopg2.extensions import make_dsn

OPTION = "ckanext.marathon.postgres_programs"
# Of what a program says about its failure.
LONGEST = 2_000


class ProgramMissing(Exception):
    """A program of PostgreSQL is not where it was looked for; the text says what to do."""


class ProgramFailed(Exception):
    """A program of PostgreSQL ended with an error; the text is what it said."""


def find_program(name: str) -> str:
    """Return the path of a program, looked for in the folder of the option or on the PATH.

    Raises:
        ProgramMissing: it is not there.
    """
    folder = str(tk.config.get(OPTION) or "")
    found = shutil.which(name, path=folder or None)
    if found is None:
        message = tk._(
            "{name} was not found in {folder}. Install PostgreSQL's client programs, of the "
            "server's version or a later one, or name their folder in {option}."
        )
        raise ProgramMissing(message.format(name=name, folder=folder or "PATH", option=OPTION))
    return found


def connect_program(address: str) -> tuple[str, dict[str, str]]:
    """Return how a program reaches a database: connection string, and environment with password.

    Args:
        address: of the database, as SQLAlchemy takes it.
    """
    url = sa.make_url(address)
    _, arguments = url.get_dialect()().create_connect_args(url)
    password = arguments.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_dsn(**arguments), environment


def dump_database(address: str, snapshot: str, target: Path) -> None:
    """Write a database as it is in a snapshot to a file of ``pg_restore``'s own format.

    Args:
        address: of the database.
        snapshot: as ``pg_export_snapshot`` named it, in a transaction that is still open.
        target: the file.

    Raises:
        ProgramMissing: there is no ``pg_dump``.
        ProgramFailed: it failed, as where it is older than the server.
    """
    dsn, environment = connect_program(address)
    command = [find_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"]
    command += [f"--snapshot={snapshot}", f"--file={target}", f"--dbname={dsn}"]
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise ProgramFailed(f"pg_dump: {done.stderr.strip()[-LONGEST:]}")


def load_database(address: str, dump: Path, before: Iterable[str] = ()) -> None:
    """Run what a file of :func:`dump_database` holds, in one transaction: all of it or nothing.

    The last statement is sent only after ``pg_restore`` has ended well. If either program or this
    process is killed before, PostgreSQL undoes everything.

    Args:
        address: of the database.
        dump: the file.
        before: statements that are run first, in the same transaction.

    Raises:
        ProgramMissing: there is no ``pg_restore`` or no ``psql``.
        ProgramFailed: one of them failed; the database is as it was.
    """
    dsn, environment = connect_program(address)
    restore = [find_program("pg_restore"), "--no-owner", "--no-privileges", "--no-comments"]
    restore += ["--file=-", str(dump)]
    psql = [
        find_program("psql"),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--dbname={dsn}",
    ]
    with (
        tempfile.TemporaryFile() as writer_errors,
        tempfile.TemporaryFile() as reader_errors,
        _started(psql, environment, subprocess.PIPE, subprocess.DEVNULL, writer_errors) as writer,
        _started(
            restore, environment, subprocess.DEVNULL, subprocess.PIPE, reader_errors
        ) as reader,
    ):
        assert writer.stdin is not None
        assert reader.stdout is not None
        try:
            writer.stdin.write("".join(f"{each};\n" for each in ("BEGIN", *before)).encode())
            shutil.copyfileobj(reader.stdout, writer.stdin, 1 << 20)
            if reader.wait() != 0:
                writer.kill()
                raise ProgramFailed(f"pg_restore: {_read_errors(reader_errors)}")
            writer.stdin.write(b"\nCOMMIT;\n")
            writer.stdin.close()
        except BrokenPipeError:
            # ``psql`` has ended; it says why below.
            reader.kill()
        if writer.wait() != 0:
            raise ProgramFailed(f"psql: {_read_errors(writer_errors)}")


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], stdin: int, stdout: int, errors: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, stdin=stdin, stdout=stdout, stderr=errors)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            # What was not written yet cannot be written any more.
            with suppress(OSError):
                if stream is not None:
                    stream.close()


def _read_errors(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace").strip()[-LONGEST:]
