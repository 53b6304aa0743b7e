"""Sharing work on the log among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def shared(
    work: Callable[[Batch], Result], batches: Sequence[Batch], ini: str, workers: int
) -> Iterator[Result]:
    """Yield what ``work`` makes of each batch, in order.

    Args:
        work: a function of a module, which ends its transaction itself.
        batches: what it is called with.
        ini: the site's configuration, for the other processes.
        workers: how many processes; with one it is done here.
    """
    if workers == 1:
        yield from map(work, batches)
        return
    # Not forked: a connection to the database cannot be shared.
    with ProcessPoolExecutor(workers, get_context("spawn"), _load, (ini,)) as pool:
        yield from pool.map(work, batches)


_context: list[Any] = []


def _load(ini: str) -> None:
    """Make a CKAN of a new process."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    app: Any = make_app(CKANConfigLoader(ini).get_config())
    context = app._wsgi_app.test_request_context()
    context.push()
    _context.append(context)
