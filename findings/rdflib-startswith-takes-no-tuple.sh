#!/usr/bin/env bash
# An IRI of rdflib that starts with one of several prefixes says that it does not.
#
# rdflib's terms are strings, and str.startswith takes a tuple of prefixes, or a place to start at.
# Theirs takes one prefix: a tuple is made a text first, which no IRI starts with, and a place to
# start at is ignored. Both answer False without an error, so a filter by several namespaces lets
# nothing through. endswith is str's own and takes tuples. Ask str(term) instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "rdflib==7.6.0"
"$folder/env/bin/python" - <<'PYTHON'
import sys

import rdflib

term = rdflib.URIRef("http://purl.org/dc/terms/title")
namespaces = ("http://purl.org/dc/terms/", "http://www.w3.org/ns/dcat#")
print("rdflib", rdflib.__version__)
found = {}
for kind in (rdflib.URIRef, str):
    each = kind(term)
    found[kind.__name__] = (
        each.startswith(namespaces),
        each.startswith("purl", 7),
        each.endswith(("title", "name")),
    )
    print(f"{kind.__name__}: startswith(tuple), startswith(prefix, 7), endswith(tuple):", found[kind.__name__])
if found != {"URIRef": (False, False, True), "str": (True, True, True)}:
    sys.exit("the behaviour has changed")
PYTHON
