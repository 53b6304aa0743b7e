#!/usr/bin/env bash
# ckanext-dcat joins the places of a dataset: the IRI of one gets the name and the shape of another.
#
# DCAT allows a dataset several dct:spatial, for example a municipality by its IRI and a second place
# that is only described. One would expect a reader that keeps a single place to keep the first as it
# is, or to keep both. ckanext-dcat looks for each property in all of them: the dataset says
# afterwards that the IRI of the first place has the name and the geometry of the second, and when it
# is published again, the two are one dct:Location. Nothing warns. Whoever harvests catalogues with
# several places has to read dct:spatial place by place.
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
"$folder/env/bin/python" -W ignore - <<'PYTHON'
import importlib.metadata
import sys

from ckanext.dcat.processors import RDFParser

TURTLE = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<http://example.org/dataset> a dcat:Dataset ;
  dct:title "Wells" ;
  dct:spatial <http://example.org/place/north>, [
    a dct:Location ;
    skos:prefLabel "South" ;
    dcat:centroid "POINT(-90 14)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>
  ] .
"""
parser = RDFParser(profiles=["euro_dcat_ap_3"])
parser.parse(TURTLE, "turtle")
(dataset,) = parser.datasets()
place = {e["key"]: e["value"] for e in dataset["extras"] if e["key"].startswith("spatial")}
print("ckanext-dcat", importlib.metadata.version("ckanext-dcat"))
print("sent: <…/place/north> without a name; a place without IRI named South, with a point")
print("read:", place)
expected = {
    "spatial_uri": "http://example.org/place/north",
    "spatial_text": "South",
    "spatial_centroid": '{"type": "Point", "coordinates": [-90.0, 14.0]}',
}
if place != expected:
    sys.exit("the behaviour has changed")
print("the place in the north has become the South")
PYTHON
