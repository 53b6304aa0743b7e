#!/usr/bin/env bash
# pyoxigraph takes prefixes for every format and writes none of them into JSON-LD.
#
# `serialize(quads, format=…, prefixes={"dct": …})` shortens the names in Turtle, TriG and RDF/XML. In
# JSON-LD, whose context has prefixes too, the same call gives the expanded form: no `@context`, each
# property by its full IRI, and no error. Who wants JSON-LD that people can read has to compact it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "pyoxigraph==0.5.13"
"$folder/env/bin/python" - <<'PYTHON'
import importlib.metadata
import sys

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, serialize

dct = "http://purl.org/dc/terms/"
quad = Quad(NamedNode("https://example.org/d"), NamedNode(dct + "title"), Literal("Agua", language="es"))
print("pyoxigraph", importlib.metadata.version("pyoxigraph"))
has_prefix = {}
for form in (RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML, RdfFormat.JSON_LD):
    text = serialize([quad], format=form, prefixes={"dct": dct}).decode()
    has_prefix[form.name] = "dct:title" in text
    print(f"{form.name}: {' '.join(text.split())}")
if has_prefix != {"Turtle": True, "TriG": True, "RDF/XML": True, "JSON-LD": False}:
    sys.exit("the behaviour has changed")
PYTHON
