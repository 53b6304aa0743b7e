"""Harvested texts in another language than the site's keep their language tag."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.tests.helpers import call_action
from rdflib import Literal, URIRef

from ckanext.marathon.rdf.lookups import Lookups
from ckanext.marathon.rdf.namespaces import DCAT, DCT, RDFS, SKOS
from ckanext.marathon.rdf.profile import build_record_graph
from ckanext.marathon.records import OTHER_LANGUAGES

from .readings import described, extras, published_again, read, saved
from .shapes import violations

pytestmark = [
    pytest.mark.usefixtures("marathon_site"),
    pytest.mark.ckan_config("ckan.locale_default", "es"),
    pytest.mark.ckan_config("ckan.locales_offered", "es en"),
]

RAIN = """
<https://otro.gt/d/1> a dcat:Dataset ;
  dct:title "Rain"@en ; dct:description "Regen in mm"@de ;
  dcat:keyword "water, wells"@en, "agua"@es, "R+D"@en, "Wasser"@de ;
  dct:provenance [ a dct:ProvenanceStatement ; rdfs:label "Read by hand"@en ] ;
  dct:spatial [ a dct:Location ; skos:prefLabel "The lake"@en ] ;
  dct:rights [ a dct:RightsStatement ; rdfs:label "Ask first"@en ] ;
  dcat:distribution [ a dcat:Distribution ; dct:title "Table"@en ; dct:description "Tabelle"@de ;
    dct:rights [ rdfs:label "Nur so"@de ] ; dcat:accessURL <https://otro.gt/1.csv> ] .
"""


def texts(graph: Any, predicate: URIRef) -> set[Literal]:
    return {each for each in graph.objects(None, predicate) if isinstance(each, Literal)}


def test_every_text_is_published_in_its_own_language() -> None:
    again = build_record_graph(saved(read(RAIN)), Lookups())
    assert violations(again) == [], violations(again)
    assert {Literal("Rain", lang="en"), Literal("Table", lang="en")} <= texts(again, DCT.title)
    assert {Literal("Regen in mm", lang="de"), Literal("Tabelle", lang="de")} == texts(
        again, DCT.description
    )
    assert texts(again, DCAT.keyword) == {
        *(Literal(each, lang="en") for each in ("water", "wells", "R+D")),
        Literal("agua", lang="es"),
        Literal("Wasser", lang="de"),
    }
    assert Literal("The lake", lang="en") in texts(again, SKOS.prefLabel)
    labels = texts(again, RDFS.label)
    assert {Literal("Read by hand", lang="en"), Literal("Ask first", lang="en")} <= labels
    # Paragraphs in two languages are in none.
    assert Literal("Nur so\n\nAsk first") in labels


def test_texts_read_again_keep_their_language() -> None:
    first = saved(read(RAIN))
    again = build_record_graph(first, Lookups())
    found = read(again.serialize(format="turtle"))
    before, after = (json.loads(extras(each)[OTHER_LANGUAGES]) for each in (first, found))
    # Beside the dataset's note in English this one is in no one language.
    before["de"].remove("Nur so")
    assert after == before


def test_texts_in_the_language_of_the_site_need_no_extra() -> None:
    found = described('dct:description "Lluvia"@es-GT, "Rain"@en ; dcat:keyword "agua", "pozos"@es')
    assert OTHER_LANGUAGES not in extras(found)


def test_a_text_also_in_the_language_of_the_site_stays_in_it() -> None:
    again = published_again('dcat:keyword "radio"@en, "radio"@es')
    assert texts(again, DCAT.keyword) == {Literal("radio", lang="es")}


def test_a_text_that_was_translated_here_is_in_the_language_of_the_site() -> None:
    shown = saved(read(RAIN))
    shown = call_action("package_patch", id=shown["id"], title="Lluvia")
    again = build_record_graph(shown, Lookups())
    assert Literal("Lluvia", lang="es") in texts(again, DCT.title)
    assert Literal("Regen in mm", lang="de") in texts(again, DCT.description)


@pytest.mark.ckan_config("ckanext.dcat.clean_tags", True)
def test_cleaned_keywords_keep_their_language() -> None:
    again = published_again('dcat:keyword "Drinking Water"@en')
    assert texts(again, DCAT.keyword) == {Literal("drinking-water", lang="en")}


@pytest.mark.parametrize(
    "stored",
    ["[", "[]", '{"en": "Lluvia"}', '{"no es": ["Lluvia"]}', '{"en": [["Lluvia"], 3]}', "en"],
)
def test_a_malformed_extra_is_ignored(stored: str) -> None:
    found = described("")
    found["extras"].append({"key": OTHER_LANGUAGES, "value": stored})
    again = build_record_graph(saved(found), Lookups())
    assert Literal("Lluvia", lang="es") in texts(again, DCT.title)


def test_labels_of_authority_tables_are_unchanged() -> None:
    again = published_again(
        'dct:description "annual"@fr ; dcat:keyword "anual"@pt ;'
        " dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/ANNUAL>"
    )
    (concept,) = again.objects(None, DCT.accrualPeriodicity)
    assert Literal("anual", lang="es") in set(again.objects(concept, SKOS.prefLabel))
    assert texts(again, DCAT.keyword) == {Literal("anual", lang="pt")}
