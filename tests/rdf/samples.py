"""One chain from workshop to dataset with every field filled in, as CKAN's actions show it."""

from __future__ import annotations

import json
from typing import Any

from ckanext.marathon.rdf.facts import CatalogueFacts, Facts, Site
from ckanext.marathon.records import Idea, Organization, Workshop

SITE = Site(
    base="https://datos.example.gt",
    vocabulary="https://datos.example.gt/vocabulary",
    url="https://www.datos.example.gt",
    language="es",
)
AUTHORITY = "http://publications.europa.eu/resource/authority"

VILLA_NUEVA = {
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "villa-nueva",
    "title": "Municipalidad de Villa Nueva",
    "role": "municipality",
    "municipality_code": "0115",
    "contact_name": "Unidad de Acceso a la Información Pública",
    "contact_email": "datos@villanueva.example.gt",
    "homepage": "https://villanueva.example.gt/",
}
INFOM = {
    "id": "22222222-2222-4222-8222-222222222222",
    "name": "infom",
    "title": "Instituto de Fomento Municipal (INFOM)",
    "role": "coordinating_body",
    "municipality_code": "",
    "contact_name": "",
    "contact_email": "",
    "homepage": "https://infom.example.gt",
}
WORKSHOP: dict[str, Any] = {
    "id": "33333333-3333-4333-8333-333333333333",
    "type": "workshop",
    "name": "ideaton-villa-nueva",
    "title": "Ideatón de Villa Nueva",
    "owner_org": INFOM["id"],
    "kind": "ideation",
    "status": "held",
    "municipality": ["0115", "0116"],
    "venue_municipality": "0101",
    "venue": "Salón de INFOM",
    "latitude": "14.62284",
    "longitude": "-90.50622",
    "starts_at": "2026-05-27T09:00:00-06:00",
    "ends_at": "2026-05-27T16:30:00-06:00",
    "service_problem": ["VIA-04", "SEG-01"],
    "notes": "Participaron vecinos de dos municipios.",
    "organiser": [
        {"name": "INFOM", "role": "convener"},
        {"name": "Acción Ciudadana", "role": "co_organiser"},
    ],
    "participants": 60,
    "participants_women": 31,
    "participants_men": None,
    "participants_youth": None,
    "participants_indigenous": 12,
    "participants_masked": ["participants_men", "participants_youth"],
    "source_url": "https://noticias.example.gt/ideaton",
    "language": [f"{AUTHORITY}/language/SPA"],
}
NEED = "44444444-4444-4444-8444-444444444444"
IDEA: dict[str, Any] = {
    "id": "55555555-5555-4555-8555-555555555555",
    "type": "idea",
    "name": "paradas-seguras",
    "title": "Paradas de bus seguras",
    "workshop": WORKSHOP["id"],
    "owner_org": VILLA_NUEVA["id"],
    "municipality": ["0115"],
    "service_problem": ["VIA-04"],
    "notes": "Alumbrar y vigilar las paradas.",
    "community": ["Colonia Santa Clara"],
    "proponent_group": "cocode",
    "votes": 17,
    "priority": 1,
    "status": "prioritised",
    "data_need": [
        {"id": NEED, "what": "Dónde están las paradas", "why": "Para saber cuáles alumbrar"},
        {"id": "66666666-6666-4666-8666-666666666666", "what": "Asaltos por parada", "why": ""},
    ],
    "evidence": ["https://villanueva.example.gt/paradas"],
    "summary": [
        {"lang": "quc", "text": "Utzalaj taq tik'alib'al", "audio": ""},
        {"lang": f"{AUTHORITY}/language/ENG", "text": "Safe bus stops", "audio": ""},
    ],
}
COMMITMENT: dict[str, Any] = {
    "id": "77777777-7777-4777-8777-777777777777",
    "type": "commitment",
    "title": "Programa piloto de maratones de ideas",
    "notes": "Diseño e implementación de un programa piloto.",
    "owner_org": INFOM["id"],
    "plan": "Tercer Plan de Acción 2016–2018",
    "number": "11",
    "axis": "Participación ciudadana",
    "lead": ["INFOM"],
    "partner": ["ANAM", "Acción Ciudadana"],
    "source_url": "https://plan.example.gt/11",
    "milestone": [
        {
            "title": "Elegir ocho municipios",
            "due": "2016-10-31",
            "status": "completed",
            "evidence": ["https://plan.example.gt/carta.pdf"],
        }
    ],
}

_UPLOAD = "88888888-8888-4888-8888-888888888888"
_DATASET = "99999999-9999-4999-8999-999999999999"
FULL: dict[str, Any] = {
    "id": _DATASET,
    "type": "dataset",
    "name": "paradas-de-bus",
    "title": "Paradas de bus de Villa Nueva",
    "notes": "Ubicación de cada parada.\n\nLevantada a pie.",
    "owner_org": VILLA_NUEVA["id"],
    "organization": {key: VILLA_NUEVA[key] for key in ("id", "name", "title")},
    "municipality": ["0115", "0116"],
    "service_problem": ["SEG-01", "VIA-04"],
    "idea": [IDEA["id"]],
    "data_need": [NEED],
    "license_id": "cc-by",
    "frequency": f"{AUTHORITY}/frequency/ANNUAL",
    "tags": [{"name": "buses"}, {"name": "transporte público"}],
    "temporal_coverage": [
        {"start": "2025-01-01", "end": "2025-12-31"},
        {"start": "2026-01-01", "end": "2026-06-30"},
    ],
    "contact": [
        {
            "uri": "https://villanueva.example.gt/transporte",
            "name": "Dirección de Transporte",
            "email": "transporte@villanueva.example.gt",
            "identifier": "VN-DT",
            "url": "https://villanueva.example.gt/contacto",
        },
        {"name": "Ventanilla única", "email": "ventanilla@villanueva.example.gt"},
    ],
    "publisher": [
        {
            "uri": "https://mingob.example.gt/",
            "name": "Ministerio de Transporte",
            "email": "info@mingob.example.gt",
            "url": "https://mingob.example.gt/inicio",
            "type": "http://purl.org/adms/publishertype/NationalAuthority",
            "identifier": "MT-1",
        }
    ],
    "creator": [{"name": "Consultora Vial", "type": "http://purl.org/adms/publishertype/Company"}],
    "url": "https://villanueva.example.gt/datos/paradas",
    "language": [f"{AUTHORITY}/language/ENG", f"{AUTHORITY}/language/SPA"],
    "access_rights": f"{AUTHORITY}/access-right/PUBLIC",
    "theme": [f"{AUTHORITY}/data-theme/TRAN"],
    "issued": "2026-06-01",
    "modified": "2026-07-02T08:30:00-06:00",
    "metadata_created": "2026-06-03T10:00:00.123456",
    "metadata_modified": "2026-07-04T10:00:00.123456",
    "version": "1.2",
    "version_notes": "Se agregaron diez paradas.",
    "provenance": "Recorrido a pie con GPS.",
    "rights_note": "La licencia fue dicha por teléfono.",
    "documentation": ["https://villanueva.example.gt/manual.pdf"],
    "conforms_to": ["https://gtfs.org/schedule/"],
    "is_referenced_by": ["https://doi.example.org/10.1/paradas"],
    "applicable_legislation": ["https://leyes.example.gt/57-2008"],
    "has_version": ["https://villanueva.example.gt/datos/paradas-2024"],
    "spatial_coverage": [
        {
            "text": "Zona 1",
            "geom": json.dumps(
                {
                    "type": "Polygon",
                    "coordinates": [
                        [[-90.6, 14.5], [-90.58, 14.5], [-90.58, 14.52], [-90.6, 14.5]]
                    ],
                }
            ),
            "bbox": json.dumps(
                {
                    "type": "Polygon",
                    "coordinates": [
                        [[-90.7, 14.4], [-90.5, 14.4], [-90.5, 14.6], [-90.7, 14.6], [-90.7, 14.4]]
                    ],
                }
            ),
            "centroid": json.dumps({"type": "Point", "coordinates": [-90.59, 14.51]}),
        },
        {"uri": "https://sws.geonames.org/3587902/", "text": "Villa Nueva"},
    ],
    "spatial_resolution_in_meters": "2.5",
    "temporal_resolution": "P1D",
    "alternate_identifier": ["VN-2026-001", "https://doi.example.org/10.1/paradas"],
    "example": True,
    "resources": [
        {
            "id": _UPLOAD,
            "package_id": _DATASET,
            "url_type": "upload",
            "url": f"{SITE.url}/dataset/{_DATASET}/resource/{_UPLOAD}/download/paradas.csv",
            "name": "Paradas",
            "description": "Una fila por parada.",
            "format": "CSV",
            "mimetype": "text/csv",
            "size": 12345,
            "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "hash_algorithm": "sha256",
            "license": f"{AUTHORITY}/licence/CC0",
            "rights": "Cítese la fuente.",
            "availability": f"{AUTHORITY}/planned-availability/AVAILABLE",
            "status": f"{AUTHORITY}/distribution-status/COMPLETED",
            "access_url": "https://villanueva.example.gt/paradas",
            "issued": "2026-06-01",
            "modified": "2026-06-30",
            "language": [f"{AUTHORITY}/language/SPA"],
            "documentation": ["https://villanueva.example.gt/columnas.pdf"],
            "conforms_to": ["https://gtfs.org/schedule/reference/"],
            "compress_format": "application/gzip",
            "package_format": "application/zip",
        },
        {
            "id": "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
            "package_id": _DATASET,
            "url": "https://villanueva.example.gt/mapa",
            "access_url": "https://villanueva.example.gt/api",
            "download_url": "https://villanueva.example.gt/paradas.geojson",
            "format": "GEOJSON",
            "mimetype": "application/geo+json",
            "license": "https://villanueva.example.gt/terminos",
        },
        {
            "id": "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
            "package_id": _DATASET,
            "url": "https://villanueva.example.gt/paradas.pdf",
            "format": "PDF",
            "mimetype": "application/pdf",
        },
        {
            "id": "12121212-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
            "package_id": _DATASET,
            "url": "https://villanueva.example.gt/paradas",
            "format": "API",
        },
    ],
}
MINIMAL: dict[str, Any] = {
    "id": "cccccccc-cccc-4ccc-8ccc-cccccccccccc",
    "title": "Pozos",
    "notes": "Pozos del municipio.",
}
# The values that a form sends for empty fields.
EMPTY: dict[str, Any] = {
    **MINIMAL,
    "id": "dddddddd-dddd-4ddd-8ddd-dddddddddddd",
    **{key: "" for key in FULL if key not in MINIMAL and isinstance(FULL[key], str | bool)},
    **{key: [] for key in FULL if isinstance(FULL[key], list)},
    "contact": [{"uri": "", "name": "", "email": "", "identifier": "", "url": ""}],
    "temporal_coverage": [{"start": "", "end": ""}],
    "resources": [
        {"id": "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee", **dict.fromkeys(FULL["resources"][0], "")}
    ],
}
EMPTY["resources"][0]["id"] = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"

FACTS = Facts(
    SITE,
    organizations={row["id"]: Organization.from_shown(row) for row in (VILLA_NUEVA, INFOM)},
    ideas={IDEA["id"]: Idea.from_shown(IDEA)},
    workshops={WORKSHOP["id"]: Workshop.from_shown(WORKSHOP)},
)
CATALOGUE = CatalogueFacts(
    site=SITE,
    title="Maratones de ideas",
    description="Datos que nacieron de los talleres.",
    publisher=Organization.from_shown(INFOM),
    languages=("es", "en"),
    licence="cc-by",
    issued="2026-06-03T10:00:00.123456",
    modified="2026-07-04T10:00:00.123456",
)
