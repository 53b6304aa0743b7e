"""What can go wrong, each with one line to tell the person who ran the command.

StackError
├── AlreadyRunning          somebody runs this data directory now
├── NotOurs                 a directory that is not empty and was not made by the stack
├── BadSetting              a variable of the environment has an impossible value
├── NotConfirmed            something that deletes data was not confirmed
├── PortBusy                the site's port is taken
├── NoSpace                 too little free disk
├── NoNetwork               something must be downloaded and cannot
├── ChecksumMismatch        a downloaded file is not the one that was locked
├── NoAccount               as root: no account to run PostgreSQL under
├── CommandFailed           a CKAN command of the set-up failed
└── ServiceFailed           a service did not start, or stopped by itself
"""

from __future__ import annotations


class StackError(Exception):
    """A fault with a message for people, in English and Spanish."""

    def __init__(self, english: str, spanish: str) -> None:
        """Keep both messages; neither ends in a line break."""
        super().__init__(english)
        self.english = english
        self.spanish = spanish

    def __str__(self) -> str:
        """Return one line: English, then Spanish."""
        return f"{self.english} / {self.spanish}"


class AlreadyRunning(StackError):
    """Another process holds the data directory."""


class NotOurs(StackError):
    """The directory was not made by the stack, so nothing in it is touched."""


class BadSetting(StackError):
    """A variable of the environment cannot be used."""


class NotConfirmed(StackError):
    """Nobody said yes to a deletion."""


class PortBusy(StackError):
    """Another program listens on the port."""


class NoSpace(StackError):
    """The disk has too little free space."""


class NoNetwork(StackError):
    """A download failed for lack of a network."""


class ChecksumMismatch(StackError):
    """A downloaded file differs from the locked one."""


class NoAccount(StackError):
    """PostgreSQL refuses to run as root and no other account can be had."""


class CommandFailed(StackError):
    """A command of the set-up ended with an error."""


class ServiceFailed(StackError):
    """A service did not become healthy or ended by itself."""
