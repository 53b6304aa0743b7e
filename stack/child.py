"""Runs one programme so that it never outlives the process that started it.

Used as a file, ``python -I -S child.py SIGNAL ACCOUNT PROGRAMME ARGUMENT…``, with the standard
library only, because it must start in a few hundredths of a second and under any account.

The kernel sends SIGNAL to the programme when its parent ends for whatever reason, ``kill -9``
included (prctl(2), PR_SET_PDEATHSIG). ACCOUNT is ``-``, or the account to run under when started
as root, because PostgreSQL refuses to run as root.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Become the programme; does not return."""
    signal_number, account, *command = arguments
    # The library is loaded before the account changes: afterwards it may be out of reach.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getppid()
    if account != "-":
        _become(account)
    # After the change of account, which clears it.
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
