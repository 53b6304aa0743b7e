"""The content of a CKAN site that has run for years without the plugin."""

from __future__ import annotations

from pathlib import Path

from tests.sites import Site

MUNICIPALITY = "muni-antigua"
CODE = "0301"

# As ckanext-dcat keeps its fields where there is no scheming: as free extras.
DCAT_EXTRAS = {
    "issued": "2019-03-04",
    "modified": "2021-05-06T07:08:09",
    "theme": '["http://publications.europa.eu/resource/authority/data-theme/ENVI"]',
    "language": '["es"]',
    "frequency": "monthly",
    "publisher_name": "Empresa municipal de agua",
    "publisher_url": "https://agua.example.gt",
    "contact_name": "Oficina de agua",
    "contact_email": "agua@example.gt",
    "spatial_uri": "http://publications.europa.eu/resource/authority/country/GTM",
    "temporal_start": "2018-01-01",
    "temporal_end": "2018-12-31",
    "identifier": "AG-17",
    "conforms_to": '["https://example.gt/norma"]',
    "responsable": "Oficina de agua",
}

PLAIN = "lectura-de-contadores"
DCAT = "pozos"
BARE = "sin-nada"
UNOWNED = "de-nadie"
UPLOADED = "presupuesto"
PLACED = "mercados"
PRIVATE = "borrador"
TRASHED = "retirado"

TYPES = ("informe", "dataset_series")
HARVESTED = {
    "cosechado": "https://origen.example.gt/datos/agua",
    "cosechado-urn": "urn:uuid:5d0c2e0e-7f31-4c7e-a7cf-27b6a2a70c11",
}

#: those that visitors see
VISIBLE = (PLAIN, DCAT, BARE, UNOWNED, UPLOADED, PLACED)


def fill(site: Site) -> None:
    """Create organisation, group and datasets on a plain CKAN."""
    site.action("organization_create", name=MUNICIPALITY, title="Municipalidad de Antigua")
    site.action("group_create", name="servicios", title="Servicios")
    owned = {"owner_org": MUNICIPALITY}
    site.action(
        "package_create",
        owned,
        name=PLAIN,
        title="Lectura de contadores",
        notes="Lecturas *mensuales*.",
        author="Unidad de aguas",
        maintainer="Unidad de aguas",
        maintainer_email="aguas@example.gt",
        version="2",
        url="https://example.gt/contadores",
        license_id="cc-by",
        tags=[{"name": "agua"}, {"name": "contadores"}],
        groups=[{"name": "servicios"}],
        resources=[
            {
                "url": "https://example.gt/lecturas.csv",
                "name": "Lecturas",
                "format": "CSV",
                "encoding": "latin-1",
            }
        ],
    )
    extras = [{"key": key, "value": value} for key, value in DCAT_EXTRAS.items()]
    resources = [{"url": "https://example.gt/pozos.geojson", "format": "GeoJSON"}]
    about = {"title": "Pozos", "notes": "Con extras de DCAT.", "extras": extras}
    site.action("package_create", owned, name=DCAT, resources=resources, **about)
    site.action("package_create", owned, name=BARE)
    site.action("package_create", name=UNOWNED, title="De nadie", notes="Sin organización")
    site.action("package_create", owned, name=UPLOADED, title="Presupuesto", notes="Cargado")
    site.action(
        "resource_create",
        package_id=UPLOADED,
        name="Presupuesto 2020",
        format="CSV",
        upload=("presupuesto.csv", b"renglon,monto\n011,5000\n"),
    )
    # An extra with the name of one of the plugin's fields.
    place = [{"key": "municipality", "value": "Antigua Guatemala"}]
    site.action("package_create", owned, name=PLACED, title="Mercados", notes="x", extras=place)
    site.action("package_create", owned, name=PRIVATE, title="Borrador", private=True)
    site.action("package_create", owned, name=TRASHED, title="Retirado")
    site.action("package_delete", id=TRASHED)


# Later additions: scheming, ckanext-dcat, types of the site's own, harvests.
SCHEMAS = [f"ckan:{Path(__file__).with_name(f'{name}.yaml')}" for name in TYPES]
# Beside scheming ckanext-dcat breaks without one for datasets.
DATASETS = f"ckan:{Path(__file__).with_name('dataset.yaml')}"
STOCK = {
    "ckan.plugins": "scheming_datasets dcat",
    "scheming.dataset_schemas": " ".join([DATASETS, *SCHEMAS]),
    "scheming.presets": "ckanext.scheming:presets.json",
    "ckanext.dcat.base_uri": "https://datos.example.gt",
}


def fill_later(site: Site) -> None:
    """Create records of the site's own types, and harvested ones."""
    owned = {"owner_org": MUNICIPALITY}
    for package_type in TYPES:
        site.action(
            "package_create",
            owned,
            type=package_type,
            name=f"un-{package_type.replace('_', '-')}",
            title=f"Un {package_type}",
            notes="De antes.",
            resources=[{"url": "https://example.gt/informe.pdf", "name": "Informe"}],
        )
    hidden = {"type": TYPES[0], "name": "informe-privado", "title": "Privado", "private": True}
    site.action("package_create", owned, **hidden)
    for name, iri in HARVESTED.items():
        site.action(
            "package_create",
            owned,
            name=name,
            title=f"De {iri}",
            notes="Cosechado.",
            extras=[
                {"key": "uri", "value": iri},
                {"key": "guid", "value": iri},
                {"key": "identifier", "value": name},
            ],
            resources=[{"url": f"{iri}/archivo", "name": "Archivo", "uri": f"{iri}#csv"}],
        )
    # Harvesters find datasets by these keys, which are no IRIs.
    extras = [{"key": "guid", "value": "7c1b"}]
    site.action("package_create", owned, name="con-guid", title="Con guid", extras=extras)


def publish_without_idea(site: Site, name: str) -> None:
    """Create a dataset of the municipality that names place and problem, and no idea."""
    site.action(
        "package_create",
        name=name,
        title="Pozos nuevos",
        notes="De este año.",
        owner_org=MUNICIPALITY,
        municipality=[CODE],
        service_problem=["AGU-01"],
    )
