"""What a form sends back as it was shown becomes again what is stored.

A browser sends line breaks of its own and the choices of a list in the order of the page, and a
form shows some dates in another way than they are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.marathon.helpers.choices import marathon_chosen
from ckanext.marathon.helpers.officer import marathon_typed_date

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
        return [_restore_row(row, rows, field) for row in sent] if isinstance(sent, list) else sent
    if field.get("form_snippet") == _LICENCE and not stored:
        # A licence that nobody stated is shown as one of that name.
        return "" if sent == _NO_LICENCE else sent
    if isinstance(sent, list):
        texts = stored if isinstance(stored, list) else [stored]
        return [next((each for each in texts if is_shown_as(each, one)), one) for one in sent]
    return stored if is_shown_as(stored, sent) else sent


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
