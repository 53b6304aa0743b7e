#!/usr/bin/env bash
# ckanext-dcat publishes 03/06/2017 as the sixth of March, and 13/06/2017 as the thirteenth of June.
#
# Dates of datasets are texts in CKAN, and where people write the day first, both of these are dates of
# June. One would expect a serializer to write either both with the day first or both as texts, as it
# does with what it cannot read. ckanext-dcat takes the first number for the month where it can be one
# and for the day where it cannot, so that neighbouring rows of one catalogue change days and months
# silently; and a word such as "May" becomes an xsd:dateTime of the year 1. Whoever publishes through it
# has to store ISO 8601.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
pip="$folder/env/bin/pip"
"$pip" install --quiet --no-deps "ckan==2.12.0" "ckanext-dcat==2.4.4"
# What CKAN pins itself; the database's driver is compiled from source and not needed to read RDF.
"$folder/env/bin/python" - >"$folder/pinned" <<'PYTHON'
import importlib.metadata

for line in importlib.metadata.requires("ckan"):
    package, _, condition = line.partition(";")
    if "requirements" in condition and not package.startswith("psycopg2"):
        print(package.strip())
PYTHON
"$pip" install --quiet --no-deps --requirement "$folder/pinned"
"$pip" install --quiet --no-deps "rdflib==7.6.0" "pyparsing==3.3.2" "geomet==1.1.0" \
  "ckantoolkit==0.0.7" "pyld==3.3.0" "cachetools==8.0.1" "frozendict==2.5.1" "lxml==6.1.1"
"$folder/env/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import importlib.metadata
import sys

from ckanext.dcat.processors import RDFSerializer
from rdflib.namespace import DCTERMS, XSD

EXPECTED = {
    "2017-06-03": ("2017-06-03", XSD.date),
    "03/06/2017": ("2017-03-06T00:00:00", XSD.dateTime),
    "13/06/2017": ("2017-06-13T00:00:00", XSD.dateTime),
    "May": ("0001-05-01T00:00:00", XSD.dateTime),
    "enero 2017": ("enero 2017", None),
}


def issued(text):
    """Return what is published of a date: its text and its datatype."""
    created = {"metadata_created": "2020-01-01T00:00:00", "metadata_modified": "2020-01-01T00:00:00"}
    dataset = {"id": "1", "name": "one", "title": "One", "type": "dataset", **created}
    dataset |= {"extras": [{"key": "issued", "value": text}], "resources": [], "tags": []}
    serializer = RDFSerializer(profiles=["euro_dcat_ap_3"])
    found = serializer.g.value(serializer.graph_from_dataset(dataset), DCTERMS.issued)
    return str(found), found.datatype


print("ckanext-dcat", importlib.metadata.version("ckanext-dcat"))
found = {text: issued(text) for text in EXPECTED}
for text, (value, kind) in found.items():
    print(f"{text:10} is published as {value}", kind.rpartition("#")[2] if kind else "(a text)")
if found != EXPECTED:
    sys.exit("the behaviour has changed")
PYTHON
