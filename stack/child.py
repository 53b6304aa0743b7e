"""Runs one program so that it ends with the process that started it.

A script, ``python -I -S child.py SIGNAL ACCOUNT PROGRAM ARGUMENT…``, with the standard library
only, because it must start in a few hundredths of a second and under any account.

The kernel sends SIGNAL to the program when its parent ends for any reason, even ``kill -9``
(prctl(2), PR_SET_PDEATHSIG). ACCOUNT is ``-``, or the account to run under when started as root,
because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the program; does not return."""
    signal_number, account, *command = arguments
    # Loaded before the account changes, which may not be allowed to read the library.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getppid()
    if account != "-":
        _become(account)
    # Set after the change of account, which clears the setting.
    if prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the program that the stack starts


def _become(account: str) -> None:
    import pwd

    entry = pwd.getpwnam(account)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/"


if __name__ == "__main__":
    main(sys.argv[1:])
