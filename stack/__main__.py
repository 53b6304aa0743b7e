"""The commands of ``python -m stack``, which ``make run``, ``stop``, ``reset`` and others call."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

from stack.data_directory import (
    Layout,
    end_processes,
    find_holder,
    find_orphans,
    hold_directory,
)
from stack.messages import Progress, StackError


def build_parser() -> argparse.ArgumentParser:
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
    commands.add_parser("lock-jars", help="resolve Solr's jars again and write their lock")
    return root


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        the exit code: 0, that of the command that was run, or 1 after one line with the reason.
    """
    options = build_parser().parse_args(arguments)
    exempt_localhost_from_proxies()
    try:
        return _dispatch_command(options)
    except StackError as fault:
        print(f"✗ {fault}", file=sys.stderr)
        return 1
    except OSError as fault:
        print(f"✗ {explain_fault(fault)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def exempt_localhost_from_proxies() -> None:
    """Exclude this machine from the network's proxy (``no_proxy``)."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*known, "127.0.0.1", "localhost"]))


def explain_fault(fault: OSError) -> str:
    """Return a one-line message for an error of the operating system."""
    if fault.errno == errno.ENOSPC:
        return "no disk space left / no queda espacio en disco"
    if isinstance(fault, PermissionError):
        return (
            f"no permission for {fault.filename}; was it made by another user? / "
            f"sin permiso para {fault.filename}; ¿lo creó otro usuario?"
        )
    where = f" ({fault.filename})" if fault.filename else ""
    return f"{fault.strerror or fault}{where} / error del sistema{where}"


def _dispatch_command(options: argparse.Namespace) -> int:
    # Imported within each command: stopping and reading logs need few modules.
    match options.command:
        case "run":
            from stack.run import run_site
            from stack.servers import Settings

            return run_site(options.data, Settings.read(os.environ))
        case "stop":
            return stop_site(options.data)
        case "reset":
            return reset_site(options.data, os.environ.get("CONFIRM") == "yes")
        case "logs":
            return show_logs(options.data)
        case "services":
            from stack.testing import run_command

            return run_command(options.data, options.fresh, options.env_file, options.run)
        case "browser":
            from stack.testing import find_browser

            print(find_browser(Progress()))
            return 0
        case _:
            from stack.solr import write_jars_lock

            print(write_jars_lock(Progress()), "jars")
            return 0


def stop_site(data: Path) -> int:
    """End the process that runs a data directory, and wait for its end.

    Returns:
        0, also if nothing was running.
    """
    layout = Layout.open_existing(data)
    pid = find_holder(layout)
    if pid is None:
        left = find_orphans(layout)
        end_processes(left)
        print("stopped / detenido" if left else "nothing was running / no había nada en marcha")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 120
    while find_holder(layout) == pid and time.monotonic() < deadline:
        time.sleep(0.1)
    if find_holder(layout) == pid:
        end_processes([psutil.Process(pid)], patience=0)
        end_processes(find_orphans(layout))
    print("stopped / detenido")
    return 0


def reset_site(data: Path, confirmed: bool) -> int:
    """Delete a data directory after asking.

    Args:
        data: the directory.
        confirmed: whether to skip the question (``CONFIRM=yes``).

    Returns:
        0, or 1 if the answer was no.

    Raises:
        StackError: there is no terminal for the question.
    """
    layout = Layout.open_existing(data)
    if not confirmed:
        if not sys.stdin.isatty():
            raise StackError(
                "this deletes the site's data; to say yes without a terminal: "
                "make reset CONFIRM=yes",
                "esto borra los datos del sitio; para confirmar sin terminal: "
                "make reset CONFIRM=yes",
            )
        question = f"Delete everything in / Borrar todo en {layout.root}? [y/s/N] "
        if input(question).strip().lower() not in ("y", "yes", "s", "sí", "si"):
            print("nothing was deleted / no se borró nada")
            return 1
    stop_site(data)
    with hold_directory(layout):
        shutil.rmtree(layout.sockets, ignore_errors=True)
        shutil.rmtree(layout.root)
    print(f"deleted / borrado: {layout.root}")
    return 0


def show_logs(data: Path) -> int:
    """Show the end of every log and follow it until Ctrl-C.

    Returns:
        0 if there is no log yet; otherwise the process is replaced by ``tail``.
    """
    layout = Layout.open_existing(data)
    files = sorted(str(path) for path in layout.logs.glob("*.log"))
    if files:
        os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606, S607 - tail of the logs
    print("no logs yet / todavía no hay bitácoras")
    return 0


if __name__ == "__main__":
    sys.exit(main())
