"""A dataset whose fields ckanext-dcat's own profiles may read as they stand.

They publish fields as they are stored, and where one is empty what CKAN knows: the beginning of
a draft as the day of publication, times without an offset, ``03/06/2017`` as a day in March. Here
each field has the value that our own profile publishes: no profile says what ours would not.
"""

from __future__ import annotations

import copy
from typing import Any

from rdflib import Literal

from ckanext.marathon.domain.file import read_checksum
from ckanext.marathon.records.values import list_rows

from .distribution import first_published as time_published
from .distribution import resource_page, time_modified, time_offered
from .facts import Row
from .iri import address_of_mail, mail, web
from .legacy import with_legacy
from .literals import moment, stated_moment
from .uris import Site

__all__ = ["with_published_values"]

_PEOPLE = ("publisher", "creator", "contact")
_PEOPLE_IRIS = frozenset(f"{each}_uri" for each in _PEOPLE)
# What an agent is in the profile ``schemaorg``, which knows no rows.
_AGENT = ("uri", "name", "email", "url", "identifier")
# Extras of ckanext-dcat, which it reads where a field is empty.
_TIMES = frozenset({"issued", "modified", "temporal_start", "temporal_end"})
_TIMES |= {f"dcat_{name}" for name in ("issued", "modified")}
# They would stand in for a date that nobody stated, or that is none.
_STAND_INS = ("metadata_created", "metadata_modified")


def with_published_values(dataset: Row, site: Site) -> dict[str, Any]:
    """Return a copy of a dataset with the values that our own profile publishes.

    Args:
        dataset: as ``package_show`` gives it; is not changed.
        site: where IRIs start: nobody speaks for one of our things by typing in its IRI.
    """
    shown: dict[str, Any] = copy.deepcopy(dict(dataset))
    known = with_legacy(dataset)
    saved = moment(known.get("metadata_modified"), utc=True)
    shown["issued"] = _text(stated_moment(known, "issued", time_published(known)))
    shown["modified"] = _text(stated_moment(known, "modified", saved))
    shown |= dict.fromkeys(_STAND_INS)
    for extra in list_rows(shown.get("extras")):
        if extra.get("key") in _TIMES:
            _set(extra, "value", _text(moment(extra.get("value"))))
        elif extra.get("key") in _PEOPLE_IRIS:
            _set(extra, "value", str(site.foreign(extra.get("value")) or ""))
    for period in list_rows(shown.get("temporal_coverage")):
        for edge in ("start", "end"):
            _set(period, edge, _text(moment(period.get(edge))))
    _set(shown, "url", str(web(shown.get("url")) or ""))
    for name in _PEOPLE:
        for person in list_rows(shown.get(name)):
            _tidy_person(person, site)
    for role in ("publisher", "creator"):
        for person in list(list_rows(shown.get(role)))[:1]:
            shown |= {f"{role}_{name}": person.get(name) or "" for name in _AGENT}
    for resource in list_rows(shown.get("resources")):
        _tidy_resource(resource, known, site)
    return shown


def _text(time: Literal | None) -> str:
    return "" if time is None else str(time)


def _set(row: Any, name: str, value: str) -> None:
    """Change a field; one that is not there stays away."""
    if name in row:
        row[name] = value


def _tidy_person(person: Any, site: Site) -> None:
    _set(person, "uri", str(site.foreign(person.get("uri")) or ""))
    _set(person, "url", str(web(person.get("url")) or ""))
    _set(person, "email", address_of_mail(mail(person.get("email")) or ""))


def _tidy_resource(resource: Any, dataset: Row, site: Site) -> None:
    resource["issued"] = _text(time_offered(dataset, resource))
    resource["modified"] = _text(time_modified(dataset, resource))
    resource |= dict.fromkeys((*_STAND_INS, "created", "last_modified"))
    for name in ("access_url", "download_url"):
        _set(resource, name, str(web(resource.get(name)) or ""))
    if resource.get("url_type") != "upload" and resource.get("id"):
        page = resource_page(site, str(dataset["id"]), str(resource["id"]))
        _set(resource, "url", str(web(resource.get("url")) or page))
    checksum = read_checksum(resource)
    _set(resource, "hash", checksum.digits if checksum else "")
    if resource.get("license") and dataset.get("rights_note"):
        # Who reads a licence must not miss the doubt about it.
        notes = (resource.get("rights"), dataset["rights_note"])
        resource["rights"] = "\n".join(filter(None, notes))
