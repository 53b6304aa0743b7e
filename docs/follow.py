#!/usr/bin/env python3
"""Keep a copy of a catalogue in step with it: a consumer to start from (CC0).

    python follow.py https://example.org/catalog copy.nt

The first time it fetches everything, from then on only what has changed. The catalogue may be a
part, as https://example.org/municipality/2105/catalog. It needs nothing but ``requests``. The copy
is N-Triples; its first line says how far it is.
"""

import re
import sys
import time
from pathlib import Path

import requests

CURSOR = "Marathon-Feed-Cursor"
HAS_DATASET = "<http://www.w3.org/ns/dcat#dataset>"
CATALOG = "<http://www.w3.org/ns/dcat#Catalog>"
OBJECT = "<https://www.w3.org/ns/activitystreams#object>"
# What a page says of itself and of its activities is in these vocabularies.
OF_THE_PAGE = ("<https://www.w3.org/ns/activitystreams#", "<https://w3id.org/")
# Subject, predicate, object, and the graph if there is one, as this feed writes them.
QUAD = re.compile(r'(\S+) (\S+) (<[^>]*>|"(?:[^"\\]|\\.)*"(?:@\S+|\^\^\S+)?)(?: (\S+))? \.')


class Copy:
    """Lines of N-Triples by what they are about, and the cursor that they are good for."""

    def __init__(self, lines=(), cursor=""):
        self.cursor = cursor
        self.things = {}
        for line in lines:
            self.add(line)

    def add(self, line):
        """Remember a line."""
        subject, predicate, value, _ = QUAD.fullmatch(line).groups()
        # That the catalogue has a dataset comes and goes with the dataset.
        about = value if predicate == HAS_DATASET else subject
        self.things.setdefault(about, set()).add(line)

    def lines(self):
        """Return all lines in alphabetical order."""
        return sorted(line for lines in self.things.values() for line in lines)

    def forget(self, thing):
        """Forget a thing with its parts, whose addresses begin with its own."""
        parts = (f"{thing[:-1]}/resource/", f"{thing[:-1]}#")
        for each in [x for x in self.things if x == thing or x.startswith(parts)]:
            del self.things[each]

    def forget_what_nothing_names(self):
        """Forget ideas, organisations and so on that no dataset leads to any more."""
        roots = (f" {HAS_DATASET} ", CATALOG)
        waiting = {
            thing
            for thing, lines in self.things.items()
            if any(root in line for line in lines for root in roots)
        }
        named = set()
        while waiting:
            thing = waiting.pop()
            named.add(thing)
            values = {QUAD.fullmatch(line)[3] for line in self.things.get(thing, ())}
            waiting |= (values & self.things.keys()) - named
        self.things = {thing: lines for thing, lines in self.things.items() if thing in named}


def fetch(address):
    """Return the answer, after waiting if the server says so."""
    while True:
        answer = requests.get(address, timeout=300)
        answer.encoding = "utf-8"
        if answer.status_code not in (429, 503):
            return answer
        time.sleep(int(answer.headers.get("Retry-After", 60)))


def everything(catalog):
    """Return a copy of everything."""
    answer = fetch(f"{catalog}/all.nt")
    answer.raise_for_status()
    return Copy(answer.text.splitlines(), answer.headers[CURSOR])


def follow(catalog, copy):
    """Return the copy, brought up to date; a new one if the server has lost its numbers."""
    page = f"{catalog}/changes.nq?since={copy.cursor}"
    while page:
        answer = fetch(page)
        if answer.status_code == 410:
            return everything(catalog)
        answer.raise_for_status()
        for thing, lines in activities(answer.text.splitlines()):
            if thing:
                copy.forget(thing)
            for about, described in Copy(lines).things.items():
                copy.things[about] = described
        copy.cursor = answer.headers[CURSOR]
        page = answer.links.get("next", {}).get("url")
    copy.forget_what_nothing_names()
    return copy


def activities(quads):
    """Yield, in order, what each activity is about, and its payload; none for a deletion.

    A part of a catalogue describes itself beside the activities, which comes first, about nothing.
    """
    things, payloads, told = {}, {}, []
    for subject, predicate, value, graph in (QUAD.fullmatch(quad).groups() for quad in quads):
        if graph:
            payloads.setdefault(graph, []).append(f"{subject} {predicate} {value} .")
        elif predicate == OBJECT:
            things[subject] = value
        elif not predicate.startswith(OF_THE_PAGE) and not value.startswith(OF_THE_PAGE):
            told.append(f"{subject} {predicate} {value} .")
    yield None, told
    for activity, thing in things.items():
        yield thing, payloads.get(activity, [])


def main(catalog, file):
    """Make or update the copy in a file."""
    path = Path(file)
    if path.exists():
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        copy = follow(catalog, Copy(lines, first.removeprefix("# ")))
    else:
        copy = follow(catalog, everything(catalog))
    new = path.with_suffix(".new")
    new.write_text("\n".join([f"# {copy.cursor}", *copy.lines(), ""]), encoding="utf-8")
    new.replace(path)
    print(f"{sum(HAS_DATASET in line for line in copy.lines())} datasets, as of {copy.cursor}")


if __name__ == "__main__":
    main(*sys.argv[1:])
