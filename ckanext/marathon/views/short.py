"""Short addresses of ideas, workshops and datasets, to be typed from a wall or read as QR codes."""

from __future__ import annotations

import io

import ckan.plugins.toolkit as tk
import segno
from ckan.types import Response
from flask import Blueprint, request
from flask import Response as FlaskResponse

from ckanext.marathon.helpers.sharing import LETTERS
from ckanext.marathon.model import package
from ckanext.marathon.rdf.lookups import read_site

from . import public

shorts = Blueprint("marathon_short", __name__)


def page(package_type: str, code: str) -> Response:
    """Send on to the page of the thing, which may have another name by now."""
    found = _found(package_type, code)
    thing = public.shown(package_type, found.id)
    return tk.redirect_to(f"{package_type}.read", id=thing["name"])


def qr(package_type: str, code: str) -> Response:
    """Return the short address as a QR code, SVG. How long it is kept, CKAN's settings say."""
    _found(package_type, code)
    answer = FlaskResponse(drawn(package_type, code.lower()), content_type="image/svg+xml")
    answer.add_etag()
    answer.make_conditional(request)
    return answer


def drawn(package_type: str, code: str) -> bytes:
    """Return the QR code of a short address as SVG that scales.

    A quarter of it may be torn or dirty: it hangs on walls.
    """
    address = f"{read_site().url}/{LETTERS[package_type]}/{code}"
    target = io.BytesIO()
    segno.make(address, error="q", micro=False).save(
        target, kind="svg", border=4, omitsize=True, light="#fff", title=address, xmldecl=False
    )
    return target.getvalue()


def _found(package_type: str, code: str) -> package.ShortAddress:
    # Who types it from a wall may have capitals on.
    found = package.find_short_address(package_type, code.lower())
    if found is None or not found.is_public:
        return public.stop(found is not None)
    return found


for package_type, letter in LETTERS.items():
    of_type = {"package_type": package_type}
    shorts.add_url_rule(
        f"/{letter}/<code>", endpoint=package_type, view_func=page, defaults=of_type
    )
    shorts.add_url_rule(
        f"/{letter}/<code>.svg", endpoint=f"{package_type}_qr", view_func=qr, defaults=of_type
    )
