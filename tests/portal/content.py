"""A small catalogue of the marathons, made through the API of a running site."""

from __future__ import annotations

from typing import Any

from tests.sites import Site

BASE = "https://datos.example.gt"
VOCABULARY = f"{BASE}/vocabulary"
VILLA_NUEVA, JACALTENANGO = "0115", "1307"
CSV = b"pozo,metros\nEl Mezquital,180\nCiudad Real,210\n"
IDEA = "vigilar-los-pozos"


def fill(site: Site) -> None:
    """Create the organisations, the chain, and records that a portal must never get."""
    _organizations(site)
    _chain(site)
    for number in range(1, 7):
        dataset(site, f"pozos-{number}", title=f"Pozos de la zona {number}")
    dataset(site, "presupuesto-agua", title="Presupuesto de agua", resources=[])
    site.action(
        "resource_create",
        package_id="presupuesto-agua",
        name="Presupuesto 2026",
        description="Por renglón",
        format="CSV",
        upload=("presupuesto.csv", CSV),
    )
    # A national body may publish reference data without idea or municipality.
    site.action(
        "package_create",
        name="codigos",
        title="Municipios y sus códigos",
        notes="Los 340.",
        owner_org="infom",
        service_problem=["AGU-01"],
        license_id="cc-by",
        resources=[{"url": "https://example.gt/codigos.csv", "format": "CSV"}],
    )
    dataset(site, "reservado", title="Reservado", private=True)
    dataset(site, "sin-terminar", title="Sin terminar", state="draft")


def dataset(site: Site, name: str, **fields: Any) -> dict[str, Any]:
    """Create a dataset of Villa Nueva with the idea's place and problem."""
    told = {
        "title": name,
        "notes": "Profundidad de los pozos, medida por la *Unidad de Aguas*.",
        "owner_org": "villa-nueva",
        "idea": [IDEA],
        "data_need": [need["id"] for need in site.action("package_show", id=IDEA)["data_need"]],
        "license_id": "cc-by",
        "frequency": "MONTHLY",
        "language": ["SPA"],
        "tags": [{"name": "agua"}, {"name": "pozos"}],
        "temporal_coverage": [{"start": "2026-01-01", "end": "2026-06-30"}],
        "resources": [
            {
                "url": f"https://example.gt/{name}.csv",
                "name": "Tabla",
                "description": "Una fila por pozo",
                "format": "CSV",
            }
        ],
    }
    return site.action("package_create", {**told, **fields}, name=name)


def _organizations(site: Site) -> None:
    site.action("organization_create", name="infom", title="INFOM", role="coordinating_body")
    for name, title, code in (
        ("villa-nueva", "Municipalidad de Villa Nueva", VILLA_NUEVA),
        ("jacaltenango", "Municipalidad de Jacaltenango", JACALTENANGO),
    ):
        site.action(
            "organization_create",
            name=name,
            title=title,
            role="municipality",
            municipality_code=code,
            contact_name="Unidad de Aguas",
            contact_email=f"aguas@{name}.example.gt",
        )


def _chain(site: Site) -> None:
    site.action(
        "package_create",
        type="commitment",
        name="compromiso",
        title="Programa piloto de maratones",
        owner_org="infom",
        plan="Tercer Plan de Acción",
    )
    site.action(
        "package_create",
        type="workshop",
        name="ideaton",
        title="Ideatón de Villa Nueva",
        owner_org="villa-nueva",
        kind="ideation",
        status="held",
        municipality=[VILLA_NUEVA, JACALTENANGO],
        starts_at="2026-05-27T09:00",
    )
    site.action(
        "package_create",
        type="idea",
        name=IDEA,
        title="Vigilar los pozos",
        workshop="ideaton",
        municipality=[VILLA_NUEVA],
        service_problem=["AGU-01"],
        data_need=[{"what": "Profundidad de los pozos", "why": "Saber cuándo bombear"}],
    )
