"""The commands of ``python -m stack``."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

from stack.messages import StackError


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    root = argparse.ArgumentParser(prog="python -m stack", description="The embedded stack.")
    commands = root.add_subparsers(dest="command", required=True)

    services = commands.add_parser(
        "services", help="PostgreSQL, Valkey and Solr for as long as a command runs"
    )
    services.add_argument("--data", type=Path, required=True, help="data directory")
    services.add_argument("--fresh", action="store_true", help="empty the data directory first")
    services.add_argument("--env-file", type=Path, help="write the variables there, to source")
    services.add_argument("run", nargs="+", metavar="COMMAND", help="after --: what to run")

    for name, text in (
        ("run", "run the site until Ctrl-C"),
        ("stop", "end a site that runs"),
        ("reset", "delete a site's data"),
        ("logs", "show the logs as they grow"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--data", type=Path, default=Path(".data"), help="data directory")

    commands.add_parser("browser", help="find a Chromium or get one; print where it is")
    commands.add_parser("lock-jars", help="resolve Solr's jars anew and write their lock")
    return root


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0, that of the command that was run, or 1 after one line that says why.
    """
    options = parser().parse_args(arguments)
    go_straight_to_ourselves()
    try:
        return _run(options)
    except StackError as fault:
        print(f"✗ {fault}", file=sys.stderr)
        return 1
    except OSError as fault:
        print(f"✗ {explained(fault)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def go_straight_to_ourselves() -> None:
    """Keep a proxy of the network out of the way to servers on this very machine."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*known, "127.0.0.1", "localhost"]))


def explained(fault: OSError) -> str:
    """Return the line for what the operating system refused."""
    if fault.errno == errno.ENOSPC:
        return "no disk space left / no queda espacio en disco"
    if isinstance(fault, PermissionError):
        return (
            f"no permission for {fault.filename}; was it made by another user? / "
            f"sin permiso para {fault.filename}; ¿lo creó otro usuario?"
        )
    where = f" ({fault.filename})" if fault.filename else ""
    return f"{fault.strerror or fault}{where} / error del sistema{where}"


def _run(options: argparse.Namespace) -> int:
    if options.command == "run":
        from stack import run
        from stack.settings import Settings

        return run.run(options.data, Settings.read(os.environ))
    if options.command in ("stop", "reset", "logs"):
        from stack import manage

        if options.command == "reset":
            return manage.reset(options.data, os.environ.get("CONFIRM") == "yes")
        return manage.stop(options.data) if options.command == "stop" else manage.logs(options.data)
    if options.command == "services":
        from stack import services

        return services.run(options.data, options.fresh, options.env_file, options.run)
    from stack.messages import Progress

    if options.command == "browser":
        from stack import browser

        print(browser.find(Progress()))
        return 0
    from stack import jars

    print(jars.write_lock(Progress()), "jars")
    return 0
