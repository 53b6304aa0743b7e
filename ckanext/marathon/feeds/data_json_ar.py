"""Datasets as Argentina's profile wants them in data.json.

Source: "Perfil nacional de metadatos para datos abiertos" of Argentina, whose codes of
``superTheme`` are those of the EU's data themes.
"""

from __future__ import annotations

import re
from typing import Any

from ckanext.marathon.feeds import data_json_us
from ckanext.marathon.feeds.data_json_us import IRREGULAR, Contact, three_letters
from ckanext.marathon.feeds.inventory import Dataset, Distribution, without_nothing

# How the profile calls what has no period; it wants a value for every dataset.
EVENTUAL = "eventual"


def dataset_of(each: Dataset, contact: Contact) -> dict[str, object]:
    """Return a dataset as Argentina's profile wants it, which differs from DCAT-US in this.

    Mail addresses are bare; a frequency without a period is ``eventual``, and so is one that is not
    known; languages have three letters; each file has a title and both addresses. Dates are days:
    of a month or year the first.
    """
    found = data_json_us.dataset_of(each, contact)
    person: Any = found["contactPoint"]
    if "hasEmail" in person:
        person = {**person, "hasEmail": person["hasEmail"].removeprefix("mailto:")}
    frequency = found.get("accrualPeriodicity", IRREGULAR)
    return {
        **found,
        **without_nothing(
            {
                "contactPoint": person,
                "rights": data_json_us.rights_of(each),
                "language": three_letters(each.languages),
                "issued": _whole_day(each.issued),
                "modified": _whole_day(each.modified or each.record_modified),
            }
        ),
        "accrualPeriodicity": EVENTUAL if frequency == IRREGULAR else frequency,
        "superTheme": found.get("superTheme", []),
        "distribution": [_distribution(one, each.title) for one in each.distributions],
    }


def _distribution(each: Distribution, title: str) -> dict[str, object]:
    found = data_json_us.distribution_of(each)
    address = str(found.get("accessURL") or found.get("downloadURL") or "")
    return {
        **found,
        "title": each.title or each.format or title,
        "accessURL": address,
        # The profile wants one of what is only a page or a service, too.
        "downloadURL": found.get("downloadURL", address),
        **without_nothing(
            {"issued": _whole_day(each.issued), "modified": _whole_day(each.modified)}
        ),
    }


def _whole_day(moment: str) -> str:
    return f"{moment}-01-01"[:10] if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", moment) else moment
