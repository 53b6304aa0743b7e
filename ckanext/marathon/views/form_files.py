"""Files of the form of a new record: begun uploads in the place of files that a form carries.

The page's script sends a file before the form is saved, and the form names it by its id. Without
the script a file comes with the form; if the form is shown again, it is kept as a begun upload, so
that it need not be chosen twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user
from werkzeug.datastructures import FileStorage

from ckanext.marathon.domain.texts import is_reference
from ckanext.marathon.logic import upload as upload_logic
from ckanext.marathon.model import upload as upload_model
from ckanext.marathon.model.upload import BegunUpload

# Inputs of the mechanism in a file of the form; the others are fields.
BEGUN = "begun"


@dataclass(frozen=True)
class BegunFile:
    """A begun upload as the form shows it.

    Attributes:
        id: of the upload.
        name: of the file.
        size: bytes of the whole file.
        received: bytes that have arrived.
        is_complete: whether all of it has arrived.
    """

    id: str
    name: str
    size: int
    received: int
    is_complete: bool


def find_begun(given: object) -> BegunUpload | None:
    """Return the begun upload that an input names, if it is this person's."""
    if not is_reference(given) or not current_user.is_authenticated:
        return None
    return upload_model.find_upload(given, current_user.id)


def open_files(
    resources: Iterable[Mapping[str, Any]], is_check: bool
) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return the files and links of a form, with begun uploads opened, and the errors of each.

    Args:
        resources: as sent; not changed.
        is_check: whether the form is only checked: an upload may still be arriving then.
    """
    found: list[dict[str, Any]] = []
    errors: list[list[str]] = []
    for sent in resources:
        resource = {key: value for key, value in sent.items() if key != BEGUN}
        wrong: list[str] = []
        given = sent.get(BEGUN)
        if given and not isinstance(resource.get("upload"), FileStorage):
            begun = find_begun(given)
            if begun is None:
                wrong.append(tk._("This file is not there any more. Choose it again."))
            elif begun.is_complete:
                resource["upload"] = upload_logic.open_as_file(begun)
            elif is_check:
                resource |= {"url": begun.name, "url_type": "upload"}
            else:
                text = tk._("{name} has not arrived completely. Choose the same file again.")
                wrong.append(text.format(name=begun.name))
        found.append(resource)
        errors.append(wrong)
    return found, errors


def close_files(resources: Iterable[Mapping[str, Any]]) -> None:
    """Close the files that :func:`open_files` opened."""
    for resource in resources:
        if isinstance(resource.get("upload"), FileStorage):
            resource["upload"].close()


def forget_used(resources: Iterable[Mapping[str, Any]]) -> None:
    """Remove the begun uploads of a form that was saved."""
    used = [given for resource in resources if is_reference(given := resource.get(BEGUN))]
    if used and current_user.is_authenticated:
        upload_logic.remove_uploads(used, current_user.id)


def keep_files(resources: Iterable[dict[str, Any]]) -> None:
    """Keep files that came with a form as begun uploads; the resources are changed in place."""
    if not current_user.is_authenticated or not upload_logic.may_upload(current_user.name):
        return
    for resource in resources:
        given = resource.get("upload")
        if isinstance(given, FileStorage) and given.filename:
            begun = upload_logic.store_whole_file(current_user.id, given)
            if begun is not None:
                del resource["upload"]
                resource[BEGUN] = begun.id


def describe_files(resources: Iterable[dict[str, Any]]) -> None:
    """Add the begun upload that each resource names, for the page; in place."""
    for resource in resources:
        if not resource.get(BEGUN):
            continue
        begun = find_begun(resource[BEGUN])
        if begun is None:
            del resource[BEGUN]
            resource["is_gone"] = True
        else:
            shown = BegunFile(begun.id, begun.name, begun.size, begun.received, begun.is_complete)
            # CKAN's view writes the data of the form as JSON.
            resource["begun_file"] = asdict(shown)
