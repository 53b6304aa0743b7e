"""What a form sends back as it was shown becomes again what is stored.

A browser sends line breaks of its own and the choices of a list in the order of the page, and a
form shows some dates in another way than they are stored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ckanext.marathon.helpers.form import marathon_chosen, marathon_typed_date

Field = Mapping[str, Any]
# The snippets whose inputs stand in an order of the page.
_CHOICES = frozenset(
    f"marathon_{each}.html"
    for each in ("choices", "data_need", "idea", "municipality", "service_problem")
)

_LICENCE, _NO_LICENCE = "marathon_licence.html", "notspecified"


def restore_untouched(
    values: dict[str, Any], stored: Mapping[str, Any], fields: Iterable[Field]
) -> None:
    """Put what is stored in place of what was sent as it is shown.

    Args:
        values: of a form, by name of field; changed.
        stored: the record as its form shows it.
        fields: of its schema.
    """
    for field in fields:
        name = field["field_name"]
        if name in values:
            values[name] = _restore(values[name], stored.get(name), field)


def _restore(sent: Any, stored: Any, field: Field) -> Any:
    if field.get("form_snippet") in _CHOICES:
        return order_as_stored(sent, stored, field)
    if "repeating_subfields" in field:
        rows = [each for each in stored or [] if isinstance(each, dict)]
        return _restore_rows(sent, rows, field) if isinstance(sent, list) else sent
    if field.get("form_snippet") == _LICENCE and not stored:
        # A licence that nobody stated is shown as one of that name.
        return "" if sent == _NO_LICENCE else sent
    if isinstance(sent, list):
        texts = stored if isinstance(stored, list) else [stored]
        return [next((each for each in texts if is_shown_as(each, one)), one) for one in sent]
    return stored if is_shown_as(stored, sent) else sent


def _restore_rows(sent: list[Any], stored: list[dict[str, Any]], field: Field) -> list[Any]:
    """Return the rows of a form with what it does not show of the stored ones.

    A row is known by what it says, else by its ``id`` or ``uri``, else by its place.
    """
    names = [each["field_name"] for each in field["repeating_subfields"]]
    rows = [_restore_row(row, stored, field) for row in sent]
    left = dict(enumerate(stored))
    found: dict[int, dict[str, Any]] = {}
    for is_same in (_says_same, _has_same_id, _has_same_place):
        for place, row in enumerate(rows):
            if place in found or not isinstance(row, dict):
                continue
            here = (n for n, each in left.items() if is_same((place, row), (n, each), names))
            number = next(here, None)
            if number is not None:
                found[place] = left.pop(number)
    unknown = {
        place: {name: value for name, value in row.items() if name not in names}
        for place, row in found.items()
    }
    return [{**unknown[n], **row} if n in unknown else row for n, row in enumerate(rows)]


Placed = tuple[int, Mapping[str, Any]]


def _says_same(one: Placed, other: Placed, names: Collection[str]) -> bool:
    return _filled(one[1], names) == _filled(other[1], names)


def _has_same_id(one: Placed, other: Placed, names: Collection[str]) -> bool:
    ids = [name for name in ("id", "uri") if name in names]
    return any(one[1].get(name) and one[1].get(name) == other[1].get(name) for name in ids)


def _has_same_place(one: Placed, other: Placed, names: Collection[str]) -> bool:
    # A row whose every part was emptied is one that somebody took away.
    return one[0] == other[0] and bool(_filled(one[1], names))


def _filled(row: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if row.get(name) not in (None, "", [])}


def _restore_row(row: Any, rows: list[dict[str, Any]], field: Field) -> Any:
    """Return a row of a form with the texts of the stored rows, which may have other numbers."""
    if not isinstance(row, dict):
        return row
    found = dict(row)
    for subfield in field["repeating_subfields"]:
        name = subfield["field_name"]
        if name in found:
            restored = (_restore(found[name], each.get(name), subfield) for each in rows)
            found[name] = next((each for each in restored if each != found[name]), found[name])
    return found


def order_as_stored(sent: Any, stored: Any, field: Field) -> Any:
    """Return the choices of a list in their stored order, and behind them those that are new."""
    before = marathon_chosen(field, stored)
    if not isinstance(sent, list):
        return sent
    kept = [each for each in before if each in sent]
    return [*kept, *(each for each in sent if each not in kept)]


def is_shown_as(stored: Any, sent: Any) -> bool:
    """Return whether a browser sends a stored text like this if nobody has changed it."""
    if not isinstance(stored, str) or not isinstance(sent, str) or not stored:
        return False
    # Source: HTML, the value of a line of text has no line breaks, that of a text area CR LF, and
    # the first line break in a text area is not shown.
    shown = {stored, marathon_typed_date(stored)}
    return any(_plain(each) == _plain(sent) for each in shown) or _joined(stored) == sent


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")


def _joined(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
