"""A seeded catalogue: municipalities, workshops, ideas, and datasets with three files each.

Each record depends only on its number, so that several processes can share the work and a larger
catalogue begins with the smaller one. All texts are marked as examples.
"""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from ckanext.marathon.vocabulary import problems, territory

SEED = 20161017
FORMATS = ("CSV", "GeoJSON", "XLSX")
WORDS = (
    *("agua", "drenaje", "pozo", "calle", "mercado", "escuela", "basura", "alumbrado"),
    *("presupuesto", "riesgo", "salud"),
)

Row = dict[str, Any]


def organizations(datasets: int) -> int:
    """Return the number of organisations of a catalogue: about one per thirty datasets."""
    return min(340, max(3, datasets // 30)) if datasets else 0


def ideas(datasets: int) -> int:
    """Return the number of ideas of a catalogue: one per five datasets."""
    return max(organizations(datasets), -(-datasets // 5))


@cache
def code(number: int) -> str:
    """Return the code of the municipality of an organisation."""
    places = list(territory.list_municipalities())
    return random.Random(SEED).sample(places, len(places))[number].code


def home(idea: int) -> str:
    """Return the code of the municipality of an idea."""
    return code(idea % organizations(max(1, 5 * idea)))


def organization(number: int) -> Row:
    """Return the organisation of a municipality."""
    return {
        "name": f"ejemplo-{code(number)}",
        "title": f"Ejemplo de {territory.get_municipality(code(number)).name}",
        "municipality_code": code(number),
        "role": "municipality",
        "contact_email": f"oficina-{code(number)}@example.gt",
    }


def workshop(number: int) -> Row:
    """Return the workshop of an organisation."""
    return {
        "type": "workshop",
        "name": f"taller-{code(number)}",
        "title": f"Taller de ejemplo en {territory.get_municipality(code(number)).name}",
        "owner_org": f"ejemplo-{code(number)}",
        "municipality": [code(number)],
        "kind": "ideation",
        "status": "held",
        "starts_at": "2017-05-27T09:00",
        # All tags are created here, because two processes cannot create the same tag concurrently.
        "tags": [{"name": word} for word in WORDS],
    }


def idea(number: int) -> Row:
    """Return an idea of a workshop."""
    rng = random.Random(f"{SEED} idea {number}")
    return {
        "type": "idea",
        "name": f"idea-{number}",
        "title": f"Idea de ejemplo {number}: {' '.join(rng.choices(WORDS, k=4))}",
        "workshop": f"taller-{home(number)}",
        "owner_org": f"ejemplo-{home(number)}",
        "service_problem": rng.sample(
            [problem.notation for problem in problems.list_problems()], 2
        ),
        "data_need": [{"what": "Un dato de ejemplo"}],
    }


def dataset(number: int) -> Row:
    """Return a dataset with the fields of DCAT-AP that officers fill in."""
    rng = random.Random(f"{SEED} dataset {number}")
    words = " ".join(rng.choices(WORDS, k=6))
    return {
        "name": f"datos-{number}",
        "title": f"Datos de ejemplo {number}: {words}",
        "notes": " ".join(rng.choices(WORDS, k=60)),
        "owner_org": f"ejemplo-{home(number // 5)}",
        "idea": [f"idea-{number // 5}"],
        "license_id": "cc-by",
        "frequency": "http://publications.europa.eu/resource/authority/frequency/ANNUAL",
        "language": ["http://publications.europa.eu/resource/authority/language/SPA"],
        "temporal_coverage": [{"start": "2016-01-01", "end": "2016-12-31"}],
        "tags": [{"name": word} for word in sorted(set(words.split()))],
        "resources": [
            {
                "name": f"Tabla {catalogue_format}",
                "description": " ".join(rng.choices(WORDS, k=12)),
                "url": f"https://example.gt/{number}.{catalogue_format.lower()}",
                "format": catalogue_format,
                "size": rng.randrange(10**6),
            }
            for catalogue_format in FORMATS
        ],
    }
