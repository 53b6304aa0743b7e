"""How many modules of the extension a reader has to follow: those that a page or a save passes.

A ceiling that is passed says that work has spread; lower it where you have gathered some.

15 and 35 were aimed at. What is left, each with other callers:

- The page of a municipality passes its view and what answers (2), helpers (3), what searches (the
  action, the query, the connection, our hooks, what compares the answer with the database: 6), a
  module of the model for each noun that it counts or lists and the clock of kept answers (6), who
  may see and add (3), the records (1), vocabularies and rules of what it prints (8). Lists from the
  database would leave out the six that search; their numbers could then be other ones than those of
  the search that they lead to.
- The save of a dataset passes its description in RDF (12), feed (4), index (2), vocabularies
  and domain (9), a module of the model for each table that is written or read (11), validators (3),
  the logic of guards, links, files and notices (14), and plugin, records, visibility and the outage
  of Solr (4). One file for all guards or for all of RDF would be fewer files, not less to read.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.factories import Idea, MarathonDataset, Workshop

from .conftest import Reader

ROOT = Path(__file__).parents[2] / "ckanext" / "marathon"

# Beside what every page passes.
MOST_OF_MUNICIPALITY_PAGE = 29
# Of the dataset alone: its organisation, workshop and idea are there.
MOST_OF_NEW_DATASET = 65

pytestmark = pytest.mark.usefixtures("marathon_site")


@contextmanager
def note_modules_passed() -> Iterator[set[str]]:
    """Yield the modules of which a function is called, completed as they are called."""
    passed: set[str] = set()
    root = f"{ROOT}/"

    def note(frame: Any, event: str, _argument: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(root) and name.endswith(".py"):
            passed.add(name.removeprefix(root))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield passed
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def find_modules_of_page(visitor: Reader, path: str) -> set[str]:
    """Return the modules that a page passes when it is read for the second time."""
    assert visitor.get(path).status_code == 200
    with note_modules_passed() as passed:
        visitor.get(path)
    return passed


def test_the_page_of_a_municipality_passes_few_modules(
    visitor: Reader, villa_nueva: dict[str, Any]
) -> None:
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
    MarathonDataset(idea=[Idea(workshop=workshop["id"])["id"]])
    every_page = find_modules_of_page(visitor, "/about")
    passed = find_modules_of_page(visitor, "/municipality/0115")
    own = passed - every_page
    assert {"views/place.py", "model/figures.py"} <= own
    assert len(own) <= MOST_OF_MUNICIPALITY_PAGE, sorted(own)


def test_saving_a_dataset_passes_few_modules(villa_nueva: dict[str, Any]) -> None:
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
    idea = Idea(workshop=workshop["id"])["id"]
    new = {
        "name": "pozos",
        "title": "Pozos",
        "notes": "Pozos y caudales por aldea.",
        "owner_org": villa_nueva["id"],
        "municipality": ["0115"],
        "idea": [idea],
    }
    MarathonDataset(owner_org=villa_nueva["id"], municipality=["0115"], idea=[idea])
    with note_modules_passed() as passed:
        MarathonDataset(**new)
    assert {"logic/package.py", "feeds/publish.py"} <= passed
    assert len(passed) <= MOST_OF_NEW_DATASET, sorted(passed)
