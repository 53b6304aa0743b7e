"""What a save says afterwards: which record was saved, and where it is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from markupsafe import Markup, escape

from ckanext.marathon.domain.texts import quote_value
from ckanext.marathon.helpers.sharing import find_news
from ckanext.marathon.records import DATASET, OTHER_TYPES
from ckanext.marathon.visibility import is_shown_public


def tell_saved(shown: Mapping[str, Any], *, is_new: bool = False, file: str | None = None) -> None:
    """Say on the next page what was saved and where it is seen, with links.

    Args:
        shown: the record as an action returned it.
        is_new: whether the save made the record.
        file: name of the file of the record that was saved, ``None`` for the record itself.
    """
    parts = [_name_saved(shown, is_new, file), _say_where(shown)]
    tk.h.flash_success(Markup(" ").join(parts), allow_html=True)


# What a message says of a record.
_SHOWN = ("id", "name", "title", "type", "private", "state")


def tell_saved_package(reference: str, *, file: str | None = None) -> None:
    """Do the same for a stored record (id or name); say nothing if there is none."""
    package = model.Package.get(reference)
    if package is not None:
        tell_saved({name: getattr(package, name) for name in _SHOWN}, file=file)


def tell_saved_organization(reference: str) -> None:
    """Say on the next page that an organisation was saved; nothing if there is none."""
    organization = model.Group.get(reference)
    if organization is None:
        return
    page = _link(tk.h.url_for("organization.read", id=organization.name), organization.display_name)
    text = Markup(escape(tk._("Saved: {record}. Everybody sees it.")))  # noqa: S704 - escaped
    tk.h.flash_success(text.format(record=page), allow_html=True)


def _name_saved(shown: Mapping[str, Any], is_new: bool, file: str | None) -> Markup:
    record = _link(
        tk.h.url_for(f"{_find_type(shown)}.read", id=shown["name"]),
        shown.get("title") or shown["name"],
    )
    if file is not None:
        text = tk._("The file “{file}” of {record} is saved.")
    elif is_new and is_shown_public(shown):
        text = tk._("Published: {record}.")
    else:
        text = tk._("Saved: {record}.")
    return _fill(text, record=record, file=quote_value(file or ""))


def _say_where(shown: Mapping[str, Any]) -> Markup:
    """Return where a record is seen, and by whom."""
    if str(shown.get("state")).startswith("draft"):
        return _fill(tk._("It is a draft: only your organisation sees it."))
    if not is_shown_public(shown):
        return _fill(tk._("Only your organisation sees it."))
    package_type = _find_type(shown)
    if package_type == DATASET:
        page = _link(tk.h.url_for("marathon_portal.index"), tk._("the catalogue for other portals"))
        return _fill(tk._("Everybody sees it on its page and in {feed}."), feed=page)
    if package_type == "workshop":
        page = _link(tk.h.url_for("marathon_agenda.index"), tk._("the agenda"))
        return _fill(tk._("Everybody sees it on its page and in {feed}."), feed=page)
    if package_type == "idea":
        page = _link(find_news(), tk._("the news to subscribe to (Atom)"))
        return _fill(tk._("Everybody sees it on its page and in {feed}."), feed=page)
    return _fill(tk._("Everybody sees it on its page."))


def _find_type(shown: Mapping[str, Any]) -> str:
    """Return a type that has pages; CKAN shows other types of the site as datasets."""
    return shown["type"] if shown["type"] in OTHER_TYPES else DATASET


def _fill(text: str, **values: object) -> Markup:
    """Return an escaped sentence with its values, which are escaped unless they are links."""
    return Markup(escape(text)).format(**values)  # noqa: S704 - escaped


def _link(href: str, label: str) -> Markup:
    # Messages are stored in the cookie of the session, which must not grow too large.
    return Markup('<a href="{}">{}</a>').format(href, quote_value(label))
