"""The site's Spanish: usted, one word for each thing, and nothing of CKAN left in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ckan
import pytest
import yaml
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.words import OTHER_WORDS, find_english, find_other_words

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext" / "marathon"
LIBRARIES = Path(ckan.__file__).parents[1]
OURS = PACKAGE / "i18n/es/LC_MESSAGES/ckanext-marathon.po"
SITE = PACKAGE / "site_i18n/es/LC_MESSAGES/ckanext-marathon-site.po"
# Catalogues in the order in which they are loaded: the later one wins.
CATALOGUES = (
    LIBRARIES / "ckan/i18n/es/LC_MESSAGES/ckan.po",
    SITE,
    OURS,
    LIBRARIES / "ckanext/dcat/i18n/es/LC_MESSAGES/ckanext-dcat.po",
)
# What a site of this project loads, or may load.
LOADED = (
    *("ckan", "ckanext/activity", "ckanext/datastore", "ckanext/datatablesview"),
    *("ckanext/textview", "ckanext/imageview", "ckanext/tracking"),
    *("ckanext/scheming", "ckanext/dcat"),
)
METHODS = [
    *((pattern, "ignore") for pattern in ("**/tests/**", "tests/**", "cli/**", "**/vendor/**")),
    ("templates-midnight-blue/**", "ignore"),
    ("**.py", "python"),
    *((f"**.{ending}", "ckan") for ending in ("html", "txt", "text")),
    ("**.js", "javascript"),
]
# Scaffolding for templates is no text for readers.
OPTIONS = {f"**.{ending}": {"silent": "True"} for ending in ("html", "txt", "text")}
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "N_")),
    **dict.fromkeys(("ngettext", "ungettext", "P_"), (1, 2)),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[srdi]|\{[^}]*\}|%[srdi]")
# Names, and signs that are the same in every language.
SAME = re.compile(r"[\W\d_]*|X|CSV|API|URI|GUID|Facebook|Markdown|N/A|\w*\{\w+\}[\w ]*")


class Message(NamedTuple):
    """A text in the code, with its plural or ``""``."""

    text: str
    plural: str = ""


def read_catalogue(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the Spanish of each text, with a plural the forms of both; without what is missing."""
    with path.open("rb") as source:
        entries = [entry for entry in read_po(source, locale="es") if entry.id]
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        forms = (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)
        if all(forms):
            found[name_of(entry.id)] = forms
    return found


def name_of(message: Any) -> str:
    return message if isinstance(message, str) else message[0]


@cache
def extract_theirs() -> dict[str, Message]:
    """Return the texts that CKAN and the plugins mark for translation."""
    found: dict[str, Message] = {}
    for folder in LOADED:
        texts = extract_from_dir(
            str(LIBRARIES / folder), method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
        )
        for _file, _line, message, _comments, _context in texts:
            both = (message, "") if isinstance(message, str) else (message[0], message[1])
            if both[0].strip():
                found[both[0]] = Message(*both)
    return found


@cache
def read_pages() -> dict[str, tuple[str, ...]]:
    """Return the Spanish that pages show: of each text the one of the last catalogue."""
    merged: dict[str, tuple[str, ...]] = {}
    for path in CATALOGUES:
        merged |= read_catalogue(path)
    return merged


def test_every_text_of_ckan_and_its_plugins_has_spanish() -> None:
    theirs = extract_theirs()
    assert len(theirs) > 900
    shown = read_pages()
    missing = [text for text in theirs if text not in shown and not SAME.fullmatch(text)]
    assert missing == [], f"translate them in {SITE.relative_to(ROOT)}"


def test_every_text_that_the_site_changes_is_still_in_ckan_or_a_plugin() -> None:
    gone = [text for text in read_catalogue(SITE) if text not in extract_theirs()]
    assert gone == [], f"no longer in use: delete them in {SITE.relative_to(ROOT)}"


def test_the_site_changes_nothing_twice_and_nothing_to_the_same() -> None:
    site, theirs = read_catalogue(SITE), read_catalogue(CATALOGUES[0])
    assert not site.keys() & read_catalogue(OURS).keys()
    same = [text for text, forms in site.items() if theirs.get(text) == forms and text not in forms]
    assert same == []


def test_the_spanish_of_the_site_keeps_plurals_and_placeholders() -> None:
    theirs = extract_theirs()
    for text, forms in read_catalogue(SITE).items():
        message = theirs[text]
        assert len(forms) == (2 if message.plural else 1), text
        for form, original in zip(forms, message, strict=False):
            found = sorted(set(PLACEHOLDER.findall(form)))
            assert found == sorted(set(PLACEHOLDER.findall(original))), text


def test_no_text_of_a_page_says_another_word_or_is_english() -> None:
    # ckanext-dcat's own labels, which the schemas of this project replace, cannot be changed here.
    theirs, site, ours, _dcat = (read_catalogue(path) for path in CATALOGUES)
    faults = {
        text: fault
        for text, forms in (theirs | site | ours).items()
        if text in extract_theirs() or text in ours
        for form in forms
        if (fault := find_other_words(form))
    }
    assert faults == {}
    english = [
        form
        for forms in (*read_catalogue(SITE).values(), *read_catalogue(OURS).values())
        for form in forms
        if len({word.lower() for word in find_english(form)}) > 1
    ]
    assert english == []


def list_spanish(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "es" and isinstance(value, str):
                yield value
            else:
                yield from list_spanish(value)
    elif isinstance(node, list):
        for item in node:
            yield from list_spanish(item)


def test_labels_and_help_of_fields_say_no_other_word() -> None:
    for path in sorted((ROOT / "schemas").glob("*.yaml")):
        for text in list_spanish(yaml.safe_load(path.read_text("utf-8"))):
            assert find_other_words(text) == [], f"{path.name}: {text}"


def test_spanish_documents_say_no_other_word() -> None:
    for path in sorted((*ROOT.glob("*.es.md"), *(ROOT / "docs").glob("*.es.md"))):
        text = re.sub(r"\]\([^)]*\)|```.*?```", "]", path.read_text("utf-8"), flags=re.DOTALL)
        for number, line in enumerate(text.splitlines(), 1):
            assert find_other_words(line) == [], f"{path.name}, line {number}: {line}"


def test_the_catalogue_of_the_site_is_compiled() -> None:
    with SITE.with_suffix(".mo").open("rb") as source:
        compiled = {name_of(entry.id): entry.string for entry in read_mo(source) if entry.id}
    written = read_catalogue(SITE)
    assert compiled.keys() == written.keys(), "run `make translations`"
    for text, forms in written.items():
        have = compiled[text]
        assert (have if isinstance(have, str) else tuple(have)) in (forms[0], forms), text


def test_the_documentation_lists_the_words_that_the_tests_refuse() -> None:
    page = (ROOT / "docs/words.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| ([^|]*)\|$", page, flags=re.MULTILINE)
    listed = {word.strip() for row in rows for word in row.split(",")} - {"", "not"}
    assert listed == set(OTHER_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "¿Estás seguro?",
        "Podés usar Markdown",
        "Elige tu archivo",
        "Busca en la lista",
        "Añada un archivo",
        "El recurso no existe",
        "Suba el dataset",
    ],
)
def test_the_patterns_find_other_words(text: str) -> None:
    assert find_other_words(text)


@pytest.mark.parametrize(
    "text",
    [
        "¿Está seguro de que quiere eliminarlo?",
        "La búsqueda se vuelve a intentar",
        "Guarde el borrador",
        "Los recursos naturales del municipio",
        "Ejecute: ckan marathon feed rebuild",
    ],
)
def test_the_patterns_leave_other_sentences_alone(text: str) -> None:
    assert find_other_words(text) == []
