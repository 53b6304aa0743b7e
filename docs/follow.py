#!/usr/bin/env python3
"""Keep a copy of a catalogue in step with it: a consumer to start from (CC0).

    python follow.py https://example.org/catalog copy.nt

The first time it reads what has ever changed, from then on only what has changed since. The
catalogue may be a part, as https://example.org/municipality/2105/catalog. It needs nothing but
``requests``.

The copy is N-Triples, in sections: what one activity of the catalogue said, below a comment with
the object of that activity. The next activity about the object replaces its section, and nothing
else. So it needs no rule about which IRI is a part of which, and two datasets may describe the same
agent or place: a line that two sections have is gone when it has left both. Where they disagree,
lines() decides as the catalogue's own documents do. The first line says how far the copy is.
"""

import re
import sys
import time
from pathlib import Path

import requests

CURSOR = "Marathon-Feed-Cursor"
HAS_DATASET = "<http://www.w3.org/ns/dcat#dataset>"
OBJECT = "<https://www.w3.org/ns/activitystreams#object>"
# What a page says of itself and of its activities is in these vocabularies.
OF_THE_PAGE = ("<https://www.w3.org/ns/activitystreams#", "<https://w3id.org/")
# Subject, predicate, object, and the graph if there is one, as this feed writes them.
QUAD = re.compile(r'(\S+) (\S+) (<[^>]*>|"(?:[^"\\]|\\.)*"(?:@\S+|\^\^\S+)?)(?: (\S+))? \.')
A = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
DCT, FOAF = "http://purl.org/dc/terms/", "http://xmlns.com/foaf/0.1/"
TITLE, KIND = f"<{DCT}title>", f"<{DCT}type>"
# What a thing has once: of two values the first in alphabetical order is kept.
ONCE = (
    KIND,
    f"<{FOAF}homepage>",
    "<http://www.w3.org/ns/dcat#bbox>",
    "<http://www.w3.org/ns/dcat#centroid>",
)
WITH_LANGUAGE = re.compile(r'"@[A-Za-z0-9-]+\Z')
# The section of what a part of a catalogue says of itself, which is in no activity.
ITSELF = "<>"


class Copy:
    """What was last said with each object, and the cursor that it is good for.

    Attributes:
        sections: object of an activity, in angle brackets -> lines of N-Triples.
        cursor: as the server gave it; "" before the first answer.
    """

    def __init__(self, cursor=""):
        self.cursor = cursor
        self.sections = {}

    def replace(self, thing, lines):
        """Remember what is said with an object now; nothing of one that is gone."""
        if lines:
            self.sections[thing] = lines
        else:
            self.sections.pop(thing, None)

    def lines(self):
        """Return all lines in alphabetical order, each once."""
        return sorted(settle({line for lines in self.sections.values() for line in lines}))

    def write(self, path):
        """Write the copy to a file, which is whole at any moment."""
        new = path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(f"# {self.cursor}\n")
            for thing, lines in self.sections.items():
                file.writelines(f"{line}\n" for line in (f"# {thing}", *lines))
        new.replace(path)

    @classmethod
    def read(cls, path):
        """Return the copy in a file; an empty one for a file of an earlier version."""
        first, *lines = lines_of(path.read_text(encoding="utf-8"))
        copy, section = cls(first.removeprefix("# ")), None
        for line in lines:
            if line.startswith("# <"):
                section = copy.sections.setdefault(line.removeprefix("# "), [])
            elif section is None:
                return cls()
            else:
                section.append(line)
        return copy


def lines_of(text):
    """Return lines; what str.splitlines takes for the end of one may stand in a title."""
    return [line for line in text.split("\n") if line]


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
    return follow(catalog, Copy())


def follow(catalog, copy):
    """Return the copy, brought up to date; a new one if the server has lost its numbers."""
    page = f"{catalog}/changes.nq" + (f"?since={copy.cursor}" if copy.cursor else "")
    while page:
        answer = fetch(page)
        if answer.status_code == 410 and copy.cursor:
            return everything(catalog)
        answer.raise_for_status()
        for thing, lines in activities(lines_of(answer.text)):
            copy.replace(thing, lines)
        copy.cursor = answer.headers[CURSOR]
        page = answer.links.get("next", {}).get("url")
    return copy


def settle(lines):
    """Return lines without those in which descriptions of a shared thing contradict each other.

    Besides what a thing has once only: a document of one dataset that is another dataset has the
    title of that, which has a language; what is an agent and a licence to others is of no type.
    """
    said = {}
    for line in lines:
        subject, predicate, value, _ = QUAD.fullmatch(line).groups()
        if predicate in (*ONCE, TITLE, A):
            said.setdefault((subject, predicate), []).append((value, line))
    dropped = set()
    for (subject, predicate), found in said.items():
        if predicate == TITLE and any(WITH_LANGUAGE.search(value) for value, _ in found):
            dropped |= {line for value, line in found if not WITH_LANGUAGE.search(value)}
        elif predicate in ONCE:
            dropped |= {line for _, line in sorted(found)[1:]}
        elif predicate == A:
            kinds = {value for value, _ in found}
            if {f"<{FOAF}Agent>", f"<{DCT}LicenseDocument>"} <= kinds:
                dropped |= {line for _, line in said.get((subject, KIND), [])}
    return lines - dropped


def activities(quads):
    """Yield, in order, the object of each activity, and its payload; none for a deletion.

    What a part of a catalogue says of itself comes first.
    """
    things, payloads, itself = {}, {}, []
    for subject, predicate, value, graph in (QUAD.fullmatch(quad).groups() for quad in quads):
        if graph:
            payloads.setdefault(graph, []).append(f"{subject} {predicate} {value} .")
        elif predicate == OBJECT:
            things[subject] = value
        elif not predicate.startswith(OF_THE_PAGE) and not value.startswith(OF_THE_PAGE):
            itself.append(f"{subject} {predicate} {value} .")
    yield ITSELF, itself
    for activity, thing in things.items():
        yield thing, payloads.get(activity, [])


def main(catalog, file):
    """Make or update the copy in a file."""
    path = Path(file)
    copy = follow(catalog, Copy.read(path) if path.exists() else Copy())
    copy.write(path)
    print(f"{sum(HAS_DATASET in line for line in copy.lines())} datasets, as of {copy.cursor}")


if __name__ == "__main__":
    main(*sys.argv[1:])
