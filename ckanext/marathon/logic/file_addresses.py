"""The addresses of files, as every reader is shown them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ckan import model
from ckan.plugins import toolkit as tk

from ckanext.marathon.domain import addresses
from ckanext.marathon.model import package
from ckanext.marathon.vocabulary import authorities


def settle(pkg_dict: dict[str, Any]) -> None:
    """Mend the addresses that CKAN makes for the files of a package; ``pkg_dict`` is changed."""
    _take_language_out(pkg_dict)
    _take_back_schemes(pkg_dict)


def with_http(given: Any) -> str:
    """Return an address as CKAN shows it, with ``http://`` where it has no scheme."""
    text = str(given or "").strip()
    return prefix_http(text) if text and "://" not in text else text


def prefix_http(address: str) -> str:
    """Return an address without a scheme as CKAN shows it.

    Source: ckan.lib.dictization.model_dictize.resource_dictize
    """
    return f"http://{address.lstrip('/')}"


def is_address(value: str) -> bool:
    """Return whether what was written as a file's address has a scheme, or begins with a host."""
    try:
        return bool(urlsplit(value).scheme) or names_host(value)
    except ValueError:
        return False


def names_host(address: str) -> bool:
    """Return whether ``http://`` may precede an address without a scheme: it begins with a host."""
    is_file_name = authorities.find_file_type(address.rpartition(".")[2]) and "/" not in address
    return not is_file_name and addresses.begins_with_host(address)


def _take_language_out(pkg_dict: dict[str, Any]) -> None:
    """Give each uploaded file its one address, in whatever language its record was saved.

    CKAN puts the language of the request into it, and the index and the feed keep what a save
    showed: a portal would get ``/en/dataset/…`` for the same file after an edit in English.
    """
    for resource in pkg_dict.get("resources") or []:
        address = str(resource.get("url") or "")
        name = address.rpartition("/")[2]
        # What is stored alone (to be edited), or by another storage, is no address of CKAN's.
        own = f"/resource/{resource.get('id')}/download/{name}"
        if resource.get("url_type") != "upload" or not name or not address.endswith(own):
            continue
        start = tk.h.url_for(
            f"{pkg_dict.get('type') or package.DATASET}_resource.download",
            id=pkg_dict["id"],
            resource_id=resource["id"],
            filename="-",
            qualified=True,
            locale="default",
        )
        resource["url"] = start.removesuffix("-") + name


def _take_back_schemes(pkg_dict: dict[str, Any]) -> None:
    """Show an address without a scheme as it was written where it begins with no host.

    CKAN puts ``http://`` before each, also before a mail address, a share in somebody's network and
    the name of a file: every feed would state an address that nobody gave and nothing answers.
    """
    made_up = {
        resource["id"]: resource
        for resource in pkg_dict.get("resources") or []
        if resource.get("url_type") != "upload"
        and str(resource.get("url") or "").startswith("http://")
        and not names_host(resource["url"].removeprefix("http://"))
    }
    if not made_up:
        return
    stored = model.Session.query(model.Resource.id, model.Resource.url).filter(
        model.Resource.id.in_(made_up)
    )
    for id_, address in stored:
        if made_up[id_]["url"] == prefix_http(address or ""):
            made_up[id_]["url"] = address
