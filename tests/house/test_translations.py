"""Every message has a Spanish translation, and every label of the schemas has both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckan
import pytest
import yaml
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from ckanext.marathon.helpers.labels import CKAN_TEXTS

ROOT = Path(__file__).parents[2]
I18N = ROOT / "ckanext" / "marathon" / "i18n"
PACKAGE = ROOT / "ckanext" / "marathon"
EXTRACT = [
    sys.executable,
    "-m",
    "babel.messages.frontend",
    "-q",
    "extract",
    "-F",
    "../../babel.cfg",
]
PO = I18N / "es" / "LC_MESSAGES" / "ckanext-marathon.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}|%[sd]")


def extract(target: Path) -> set[Any]:
    subprocess.run([*EXTRACT, "-o", str(target), "."], cwd=PACKAGE, check=True, capture_output=True)
    with target.open("rb") as source:
        return {message.id for message in read_po(source) if message.id}


def test_every_message_in_the_code_has_a_spanish_translation(tmp_path: Path) -> None:
    wanted = extract(tmp_path / "all.pot")
    assert len(wanted) > 50
    with PO.open("rb") as source:
        have = {m.id: m.string for m in read_po(source, locale="es") if m.id and not m.fuzzy}
    missing = sorted(
        str(id_)
        for id_ in wanted
        if not (all(have.get(id_) or ("",)) if isinstance(id_, tuple) else have.get(id_))
    )
    assert not missing, "run `make translations`, then translate in es.po:\n" + "\n".join(missing)
    unused = sorted(str(id_) for id_ in have if id_ not in wanted)
    assert not unused, "no longer in the code:\n" + "\n".join(unused)


def test_translations_added_for_ckan_are_still_missing_in_ckan() -> None:
    theirs = Path(ckan.__file__).parent / "i18n" / "es" / "LC_MESSAGES" / "ckan.po"
    with theirs.open("rb") as source:
        said = [(m.id, m.string) for m in read_po(source, locale="es") if m.id]
    known = {id_ if isinstance(id_, str) else id_[0] for id_, text in said if any(text or ())}
    assert not known.intersection(CKAN_TEXTS)


def test_translations_keep_the_placeholders() -> None:
    with PO.open("rb") as source:
        for message in read_po(source, locale="es"):
            if isinstance(message.id, str) and message.id and message.string:
                ours = sorted(PLACEHOLDER.findall(message.id))
                assert ours == sorted(PLACEHOLDER.findall(str(message.string))), message.id


def test_the_compiled_catalogue_is_up_to_date() -> None:
    with PO.open("rb") as po, PO.with_suffix(".mo").open("rb") as mo:
        assert texts_in(read_po(po, locale="es")) == texts_in(read_mo(mo)), (
            "run `make translations`"
        )


def texts_in(catalogue: Any) -> dict[Any, Any]:
    """Return message → translation. With a plural it is a pair, which read_mo returns as a list."""

    def hashable(text: Any) -> Any:
        return text if isinstance(text, str) else tuple(text)

    return {hashable(m.id): hashable(m.string) for m in catalogue if m.id}


def texts_of(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{path}/{node.get('field_name', '')}.{key}"
            if key in {"label", "help_text", "repeating_label", "form_placeholder"}:
                yield here, value
            else:
                yield from texts_of(value, here)
    elif isinstance(node, list):
        for item in node:
            yield from texts_of(item, path)


@pytest.mark.parametrize("schema", sorted(p.name for p in (ROOT / "schemas").glob("*.yaml")))
def test_every_text_of_a_schema_is_in_both_languages(schema: str) -> None:
    for where, value in texts_of(yaml.safe_load((ROOT / "schemas" / schema).read_text("utf-8"))):
        if isinstance(value, str) and value.startswith("http"):
            continue
        assert isinstance(value, dict), f"{schema}{where}: {value!r} is in one language only"
        assert value.get("en"), f"{schema}{where}"
        assert value.get("es"), f"{schema}{where}"
