"""A seeded catalogue: municipalities, workshops, ideas, and datasets with three files each.

``python -m bench.fill ckan.ini 3000`` runs inside of a site; all text says that it is made up.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

from ckanext.marathon.operations import bulk
from ckanext.marathon.vocabulary import problems, territory

SEED = 20161017
FORMATS = ("CSV", "GeoJSON", "XLSX")
WORDS = (
    *("agua", "drenaje", "pozo", "calle", "mercado", "escuela", "basura", "alumbrado"),
    *("presupuesto", "riesgo", "salud"),
)


def fill(datasets: int) -> None:
    """Add a catalogue of this many datasets; about thirty an organisation, five an idea."""
    rng = random.Random(SEED)
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    context = {"user": user, "ignore_auth": True}
    places = rng.sample(list(territory.municipalities()), min(340, max(3, datasets // 30)))
    notations = [each.notation for each in problems.problems()]
    owners = [
        tk.get_action("organization_create")(
            dict(context),
            {
                "name": f"ejemplo-{place.code}",
                "title": f"Ejemplo de {place.name}",
                "municipality_code": place.code,
                "role": "municipality",
                "contact_email": f"oficina-{place.code}@example.gt",
            },
        )["id"]
        for place in places
    ]
    workshops = made(
        user,
        [
            {
                "type": "workshop",
                "name": f"taller-{place.code}",
                "title": f"Taller de ejemplo en {place.name}",
                "owner_org": owner,
                "municipality": [place.code],
                "kind": "ideation",
                "status": "held",
                "starts_at": "2017-05-27T09:00",
            }
            for place, owner in zip(places, owners, strict=True)
        ],
    )
    number = max(len(workshops), datasets // 5)
    ideas = made(
        user,
        [
            {
                "type": "idea",
                "name": f"idea-{each}",
                "title": f"Idea de ejemplo {each}: {' '.join(rng.choices(WORDS, k=4))}",
                "workshop": workshops[each % len(workshops)],
                "owner_org": owners[each % len(owners)],
                "service_problem": rng.sample(notations, 2),
                "data_need": [{"what": "Un dato de ejemplo"}],
            }
            for each in range(number)
        ],
    )
    made(user, [dataset(rng, each, owners, ideas) for each in range(datasets)])


def dataset(rng: random.Random, number: int, owners: list[str], ideas: list[str]) -> dict[str, Any]:
    """Return a dataset with the fields of DCAT-AP that officers fill in."""
    words = " ".join(rng.choices(WORDS, k=6))
    return {
        "name": f"datos-{number}",
        "title": f"Datos de ejemplo {number}: {words}",
        "notes": " ".join(rng.choices(WORDS, k=60)),
        "owner_org": owners[number % len(ideas) % len(owners)],
        "idea": [ideas[number % len(ideas)]],
        "license_id": "cc-by",
        "frequency": "http://publications.europa.eu/resource/authority/frequency/ANNUAL",
        "language": ["http://publications.europa.eu/resource/authority/language/SPA"],
        "temporal_coverage": [{"start": "2016-01-01", "end": "2016-12-31"}],
        "tags": [{"name": word} for word in sorted(set(words.split()))],
        "resources": [
            {
                "name": f"Tabla {each}",
                "description": " ".join(rng.choices(WORDS, k=12)),
                "url": f"https://example.gt/{number}.{each.lower()}",
                "format": each,
                "size": rng.randrange(10**6),
            }
            for each in FORMATS
        ],
    }


def made(user: str, rows: list[dict[str, Any]]) -> list[str]:
    """Create packages and return their ids; none may fail."""
    outcome = bulk.create(rows, user, tell)
    assert not outcome.errors, outcome.errors
    return outcome.ids


def tell(done: int, total: int) -> None:
    """Say how far it is."""
    print(f"\r{done} of {total}", end="" if done < total else "\n", flush=True)


if __name__ == "__main__":
    app: Any = make_app(CKANConfigLoader(sys.argv[1]).get_config())
    with app._wsgi_app.test_request_context():
        fill(int(sys.argv[2]))
