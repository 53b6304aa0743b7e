"""Around CKAN's own forms, of files and of organisations: the mechanism that ours have.

Their saving stays CKAN's. A save by somebody else is noticed, the page's script is answered with
JSON, and while Solr is away the form comes back filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import ckan.lib.navl.dictization_functions as df
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.common import current_user
from ckan.logic import clean_dict, parse_params, tuplize_dict
from ckan.types import Response
from flask import make_response, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from ckanext.marathon.logic import edits

from . import form_answers, form_conflict, form_untouched, held_forms
from .form_answers import SEARCH_AWAY
from .form_data import CHOICES, OWN_INPUTS

Values = dict[str, Any]
Page = Callable[[Values, dict[str, Any]], Any]
# What CKAN's own views read.
LEFT_TO_CKAN = ("save",)


def take_own_inputs() -> Values:
    """Return the inputs of the mechanism, and take them out of what CKAN reads."""
    own: Values = {name: request.form.get(name, "") for name in OWN_INPUTS}
    for name in CHOICES:
        keys = [key for key in request.form if key.startswith(f"{name}:")]
        own[name] = {key.partition(":")[2]: request.form[key] for key in keys}
    left = [
        (key, value)
        for key, value in request.form.items(multi=True)
        if key in LEFT_TO_CKAN or key.partition(":")[0] not in (*OWN_INPUTS, *CHOICES)
    ]
    request.environ["marathon.form"] = own
    _replace_form(left)
    if "save" not in request.form:
        # CKAN's views break without it.
        _replace_form([*left, ("save", "")])
    return own


def restore_untouched(stored: Values, fields: Iterable[Mapping[str, Any]]) -> None:
    """Let CKAN read what is stored where a form sends it as it was shown."""
    sent = MultiDict(request.form)
    values: Values = {name: _one_or_list(sent.getlist(name)) for name in sent}
    form_untouched.restore_untouched(values, stored, fields)
    for name, value in values.items():
        sent.setlist(name, value if isinstance(value, list) else [value])
    _replace_form(list(sent.items(multi=True)))


def _one_or_list(texts: list[str]) -> Any:
    return texts[0] if len(texts) == 1 else texts


def refuse_outdated(
    own: Values, theirs: Values, show: Page, object_id: str, owner_org: str | None
) -> Any | None:
    """Return the answer to a form that another person opened or saved; ``None`` lets it pass."""
    _apply_choices(own, theirs)
    other_person = form_answers.find_other_person(own)
    if other_person:
        model.Session.rollback()
        return show(_read_typed(), other_person)
    conflict = form_conflict.find_conflict(
        own["form_version"],
        theirs,
        lambda: _read_mine(theirs),
        lambda: edits.find_last_save(object_id, owner_org, current_user.name),
    )
    if conflict is None:
        return None
    model.Session.rollback()
    if form_answers.wants_json():
        return form_answers.answer_conflict()
    typed = {**_read_typed(), "form_version": conflict.version, "conflict": conflict}
    typed |= {one.field: one.theirs for one in conflict.taken}
    return make_response(show(typed, {}), form_answers.CONFLICT)


def _read_mine(theirs: Mapping[str, Any]) -> Values:
    """Return what was sent in the shape of what is stored; what the form does not have stays."""
    mine: Values = {}
    for name, stored in theirs.items():
        if isinstance(stored, list):
            mine[name] = [text for text in request.form.getlist(name) if text]
        else:
            mine[name] = request.form.get(name, stored)
    for name, file in (("url", "upload"), ("image_url", "image_upload")):
        chosen = request.files.get(file)
        if name in mine and chosen and chosen.filename:
            mine[name] = chosen.filename
        elif name in mine:
            # CKAN's script shows the name of an uploaded file and sends it, or its address.
            is_address = name == "url" and mine.get("url_type") != "upload"
            mine[name] = mine[name] if is_address else str(mine[name]).rpartition("/")[2]
    return mine


def _apply_choices(own: Values, theirs: Mapping[str, Any]) -> None:
    values: Values = {name: request.form.getlist(name) for name in request.form}
    form_conflict.apply_choices(values, own, theirs)
    chosen = MultiDict(request.form)
    for name in own["form_keep"]:
        if name in values:
            value = values[name]
            chosen.setlist(name, value if isinstance(value, list) else [value])
    _replace_form(list(chosen.items(multi=True)))


def _replace_form(values: list[tuple[str, str]]) -> None:
    """Let CKAN's views, which read the request themselves, read these values instead."""
    cast(Any, request).form = ImmutableMultiDict(values)


def _read_typed() -> Values:
    return clean_dict(df.unflatten(tuplize_dict(parse_params(request.form))))


def save_form(save: Callable[[], Any], show: Page) -> Any:
    """Return CKAN's answer to a save, for the page's script as JSON."""
    try:
        answer = save()
    except SEARCH_AWAY:
        model.Session.rollback()
        held_forms.note_form_shown()
        page = show(_read_typed(), form_answers.describe_search_away())
        return make_response(page, form_answers.UNAVAILABLE)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("You may not change this"))
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Not found"))
    if isinstance(answer, Response) and answer.status_code in {301, 302, 303}:
        return form_answers.answer_saved(answer.location)
    return answer


def name_lost_files(data: Values, *inputs: str) -> Values:
    """Return data of a form without its files, named for the person to choose them again."""
    chosen = [request.files[name].filename for name in inputs if name in request.files]
    kept = {key: value for key, value in data.items() if key not in inputs}
    return {**kept, "files_lost": [name for name in chosen if name]}


def sent_version() -> str:
    """Return the version of the record that the form was opened with."""
    return request.environ.get("marathon.form", {}).get("form_version", "")
