"""News as Atom, for people who follow a place, a problem, a workshop or an idea."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.feeds import atom
from tests.factories import Idea, MarathonDataset, Municipality, Workshop
from tests.remembered import remembered

from .conftest import Reader

pytestmark = pytest.mark.usefixtures("marathon_site")

ATOM = "{http://www.w3.org/2005/Atom}"
WHOLE = "/en/marathon/news.atom"


@pytest.fixture
@remembered
def chain(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    """A workshop of Villa Nueva, its idea on water, and a dataset that came of it."""
    workshop = Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        title="Taller de marzo",
        status="announced",
        venue="Salón comunal",
    )
    idea = Idea(workshop=workshop["id"], title="Medir los pozos", service_problem=["AGU-01"])
    dataset = MarathonDataset(idea=[idea["id"]], title="Pozos")
    return {"organization": villa_nueva, "workshop": workshop, "idea": idea, "dataset": dataset}


def feed(reader: Reader, path: str) -> ET.Element:
    answer = reader.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    assert answer.headers["Content-Type"].startswith("application/atom+xml")
    found = ET.fromstring(answer.text)
    # Elements that RFC 4287 requires of a feed and of each entry.
    assert found.tag == f"{ATOM}feed"
    for each in (found, *found.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert each.findtext(ATOM + name), (path, name)
    assert found.find(f"{ATOM}author/{ATOM}name") is not None
    return found


def titles(reader: Reader, path: str) -> list[str]:
    """Return the titles of the entries, newest first."""
    entries = feed(reader, path).findall(f"{ATOM}entry")
    return [str(entry.findtext(f"{ATOM}title")) for entry in entries]


def ids(reader: Reader, path: str = WHOLE) -> dict[str, str]:
    entries = feed(reader, path).findall(f"{ATOM}entry")
    return {str(e.findtext(f"{ATOM}title")): str(e.findtext(f"{ATOM}id")) for e in entries}


class TestEverything:
    def test_entries_are_sorted_by_time(self, visitor: Reader, chain: Any) -> None:
        assert titles(visitor, WHOLE) == [
            "New data: Pozos",
            "New idea: Medir los pozos",
            "Workshop announced: Taller de marzo",
        ]

    def test_a_new_status_is_an_entry_with_its_reason(self, visitor: Reader, chain: Any) -> None:
        for status, reason in [("prioritised", "La más votada"), ("discarded", "No hay agua")]:
            call_action(
                "marathon_idea_status_update",
                id=chain["idea"]["id"],
                status=status,
                reason=reason,
            )
        entries = feed(visitor, WHOLE).findall(f"{ATOM}entry")[:2]
        assert [e.findtext(f"{ATOM}title") for e in entries] == [
            "Idea now “discarded”: Medir los pozos",
            "Idea now “prioritised”: Medir los pozos",
        ]
        assert [e.findtext(f"{ATOM}summary") for e in entries] == ["No hay agua", "La más votada"]

    def test_a_held_workshop_is_a_new_entry(self, visitor: Reader, chain: Any) -> None:
        before = set(ids(visitor).values())
        call_action("package_patch", id=chain["workshop"]["id"], status="held")
        (title,) = [t for t, id_ in ids(visitor).items() if id_ not in before]
        assert title.endswith("Taller de marzo")

    def test_ids_of_entries_do_not_change(self, visitor: Reader, chain: Any) -> None:
        before = ids(visitor)
        call_action("package_patch", id=chain["idea"]["id"], status="prioritised")
        Idea(workshop=chain["workshop"]["id"])
        after = ids(visitor)
        assert {title: after[title] for title in before} == before
        assert len(set(after.values())) == len(after)

    def test_a_withdrawn_dataset_is_an_entry_without_its_title(
        self, visitor: Reader, chain: Any
    ) -> None:
        call_action("package_patch", id=chain["dataset"]["id"], private=True)
        text = visitor.get(WHOLE).text
        assert "Pozos" not in text
        assert f"dataset/{chain['dataset']['id']}#gone" in text

    def test_private_records_have_no_entries(self, visitor: Reader, chain: Any) -> None:
        before = titles(visitor, WHOLE)
        workshop = Workshop(title="Oculto", private=True)
        hidden = Idea(workshop=workshop["id"], private=True, title="Oculta")
        call_action("package_patch", id=hidden["id"], status="prioritised")
        assert titles(visitor, WHOLE) == before

    def test_an_idea_made_public_is_an_entry_of_that_time(
        self, visitor: Reader, chain: Any
    ) -> None:
        hidden = Idea(workshop=chain["workshop"]["id"], private=True, title="Ya visible")
        MarathonDataset(idea=[chain["idea"]["id"]], title="Después")
        call_action("package_patch", id=hidden["id"], private=False)
        assert titles(visitor, WHOLE)[0].endswith("Ya visible")

    def test_entries_are_in_the_language_of_the_address(self, visitor: Reader, chain: Any) -> None:
        assert titles(visitor, "/es/marathon/news.atom")[0] == "Datos nuevos: Pozos"

    def test_only_the_newest_entries_are_in_the_feed(
        self, visitor: Reader, villa_nueva: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(atom, "NEWEST", 3)
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
        for number in range(5):
            Idea(workshop=workshop["id"], title=f"Idea {number}")
        found = titles(visitor, WHOLE)
        assert len(found) == 3
        assert all(
            f"Idea {number}" in title for number, title in zip((4, 3, 2), found, strict=True)
        )

    def test_hostile_titles_give_valid_xml(self, visitor: Reader, chain: dict[str, Any]) -> None:
        title = "]]> <script> & {title} %s"
        call_action("package_patch", id=chain["idea"]["id"], title=title, notes="<b>")
        assert any("<script>" in each for each in titles(visitor, WHOLE))

    def test_a_known_etag_gets_304_until_a_change(self, visitor: Reader, chain: Any) -> None:
        tag = visitor.get(WHOLE).headers["ETag"]
        assert visitor.get(WHOLE, **{"If-None-Match": tag}).status_code == 304
        call_action("package_patch", id=chain["idea"]["id"], status="prioritised")
        assert visitor.get(WHOLE, **{"If-None-Match": tag}).status_code == 200


class TestParts:
    @pytest.fixture(autouse=True)
    @remembered
    def another(self, chain: Any) -> None:
        """Something of another place and problem."""
        other = Municipality(municipality_code="2105")
        workshop = Workshop(owner_org=other["id"], municipality=["2105"])
        idea = Idea(workshop=workshop["id"], service_problem=["RES-01"])
        MarathonDataset(idea=[idea["id"]])

    @pytest.mark.parametrize(
        ("path", "events"),
        [
            ("/municipality/0115/news.atom", "dataset idea workshop"),
            ("/department/01/news.atom", "dataset idea workshop"),
            ("/service-problem/AGU-01/news.atom", "dataset idea"),
            ("/service-problem/AGU/news.atom", "dataset idea"),
            ("/organization/{organization[id]}/news.atom", "dataset idea workshop"),
            ("/workshop/{workshop[id]}/news.atom", "dataset idea workshop"),
            ("/idea/{idea[id]}/news.atom", "dataset idea"),
        ],
    )
    def test_a_part_has_only_its_own_entries(
        self, visitor: Reader, chain: Any, path: str, events: str
    ) -> None:
        entries = feed(visitor, path.format(**chain)).findall(f"{ATOM}entry")
        found = [str(e.findtext(f"{ATOM}id")).partition("#")[2].partition("-")[0] for e in entries]
        assert " ".join(found) == events

    def test_a_dataset_that_left_the_part_is_a_gone_entry(
        self, visitor: Reader, chain: Any
    ) -> None:
        call_action("package_patch", id=chain["dataset"]["id"], municipality=["2105"])
        assert "#gone-" in visitor.get("/municipality/0115/news.atom").text
        assert "#gone-" not in visitor.get("/municipality/2105/news.atom").text
        assert "#dataset-" in visitor.get("/municipality/2105/news.atom").text

    def test_an_address_with_a_name_redirects_to_that_with_the_id(
        self, visitor: Reader, chain: Any
    ) -> None:
        answer = visitor.get(f"/idea/{chain['idea']['name']}/news.atom")
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(f"/idea/{chain['idea']['id']}/news.atom")

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/municipality/9999/news.atom", 404),
            ("/idea/nobody/news.atom", 404),
            ("/service-problem/%22/news.atom", 404),
            ("/commitment/x/news.atom", 404),
        ],
    )
    def test_an_unknown_part_gets_404(self, visitor: Reader, path: str, status: int) -> None:
        assert visitor.get(path).status_code == status

    def test_a_part_no_longer_public_gets_410(self, visitor: Reader, chain: Any) -> None:
        alone = Idea(workshop=chain["workshop"]["id"])
        call_action("package_delete", id=alone["id"])
        assert visitor.get(f"/idea/{alone['id']}/news.atom").status_code == 410

    def test_pages_link_to_their_news(self, visitor: Reader, chain: Any) -> None:
        for path, kind, code in [
            ("/municipality/0115", "municipality", "0115"),
            ("/department/01", "department", "01"),
            ("/service-problem/AGU-01", "service-problem", "AGU-01"),
            ("/organization/villa-nueva", "organization", chain["organization"]["id"]),
            (f"/workshop/{chain['workshop']['name']}", "workshop", chain["workshop"]["id"]),
            (f"/idea/{chain['idea']['name']}", "idea", chain["idea"]["id"]),
        ]:
            page = visitor.page(path)
            links = {str(each["href"]) for each in page.select("link[rel=alternate]")}
            news = f"/{kind}/{code}/news.atom"
            assert news in links, path
            assert page.select(f'#follow a[href="{news}"]'), path

    def test_news_work_without_solr(
        self, visitor: Reader, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        assert titles(visitor, "/municipality/0115/news.atom")
