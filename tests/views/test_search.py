"""Search pages with their filters, and the one search over everything."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from ckan import model
from ckan.lib import search
from ckan.tests import factories

from ckanext.marathon.domain.texts import is_blank
from tests.factories import CoordinatingBody, Idea, MarathonDataset, Municipality, Workshop
from tests.remembered import remembered

from .conftest import Reader
from .test_pages import hrefs

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
@remembered
def chain(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    """Villa Nueva with an idea on water and a CSV file, San Carlos Alzatate with one on rubbish."""
    workshop = Workshop(
        owner_org=villa_nueva["id"], municipality=["0115"], title="Taller de Villa Nueva"
    )
    idea = Idea(
        workshop=workshop["id"],
        title="Medir los pozos",
        service_problem=["AGU-01"],
        community=["El Frutal"],
        data_need=[{"what": "Caudal"}],
    )
    dataset = MarathonDataset(idea=[idea["id"]], title="Pozos", license_id="cc-by")
    factories.Resource(package_id=dataset["id"], format="CSV")
    alzatate = Municipality(name="alzatate", municipality_code="2105")
    there = Workshop(owner_org=alzatate["id"], municipality=["2105"], title="Taller de Alzatate")
    rubbish = Idea(workshop=there["id"], title="Rutas de basura", service_problem=["RES-01"])
    routes = MarathonDataset(idea=[rubbish["id"]], title="Rutas")
    return {
        **{"idea": idea, "dataset": dataset, "rubbish": rubbish, "routes": routes},
        **{"at": workshop, "there": there},
    }


def titles(page: BeautifulSoup) -> set[str]:
    return {each.get_text(strip=True) for each in page.select(".dataset-heading a")}


def find_listed(page: BeautifulSoup, chain: dict[str, Any]) -> set[str]:
    """Return which records of the chain a page of results links to."""
    links = {href.rsplit("/", 1)[1] for href in hrefs(page, ".primary")}
    return {key for key, record in chain.items() if record["name"] in links}


def filter_of(page: BeautifulSoup, field: str) -> Tag:
    found = page.select_one(f"section[aria-labelledby=filter-{field}]")
    assert found, field
    return found


def choices(page: BeautifulSoup, field: str) -> dict[str, int]:
    """Return label → count of a filter, in order."""
    links = filter_of(page, field).select(".marathon-choices a")
    return {label(link): int(link.select_one("small").text) for link in links}  # type: ignore[union-attr]


def label(link: Tag) -> str:
    return next(each.text for each in link.select("span") if not each.get("class"))


def follow(page: BeautifulSoup, field: str, name: str) -> str:
    return next(
        str(link["href"]) for link in filter_of(page, field).select("a") if label(link) == name
    )


class TestFilters:
    def test_places_are_a_tree_with_departments_first(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/es/dataset/")
        assert choices(page, "vocab_municipality") == {
            "Guatemala": 1,
            "Villa Nueva": 1,
            "Jalapa": 1,
            "San Carlos Alzatate": 1,
        }
        inner = filter_of(page, "vocab_municipality").select("li li a")
        assert [label(each) for each in inner] == ["Villa Nueva", "San Carlos Alzatate"]
        assert not page.select("section[aria-labelledby=filter-vocab_department]")

    @pytest.mark.parametrize(("lang", "area"), [("es", "Agua potable"), ("en", "Drinking water")])
    def test_an_area_finds_its_problems_and_is_named_in_the_reader_s_language(
        self, visitor: Reader, chain: dict[str, Any], lang: str, area: str
    ) -> None:
        page = visitor.page(f"/{lang}/dataset/")
        assert choices(page, "vocab_service_problem")[area] == 1
        assert titles(visitor.page(follow(page, "vocab_service_problem", area))) == {"Pozos"}

    def test_several_values_of_a_filter_find_any_of_them(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        one = visitor.page(follow(visitor.page("/es/dataset/"), "vocab_municipality", "Jalapa"))
        assert titles(one) == {"Rutas"}
        # The other values of the filter are still counted.
        assert choices(one, "vocab_municipality")["Villa Nueva"] == 1
        both = visitor.page(follow(one, "vocab_municipality", "Villa Nueva"))
        assert titles(both) == {"Rutas", "Pozos"}
        narrowed = visitor.page(follow(both, "res_format", "CSV"))
        assert titles(narrowed) == {"Pozos"}

    def test_a_narrower_value_replaces_the_broader_one(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/es/dataset/?vocab_department=21&vocab_service_problem=RES")
        href = follow(page, "vocab_municipality", "San Carlos Alzatate")
        assert parse_qsl(urlsplit(href).query) == [
            ("vocab_municipality", "2105"),
            ("vocab_service_problem", "RES"),
        ]

    def test_the_address_does_not_depend_on_the_order_of_the_clicks(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        found = set()
        for steps in [("Villa Nueva", "CSV"), ("CSV", "Villa Nueva")]:
            path = "/es/dataset/?q=pozos&sort=title_string+asc&page=1"
            for name in steps:
                field = "res_format" if name == "CSV" else "vocab_municipality"
                path = follow(visitor.page(path), field, name)
            found.add(path)
        assert found == {
            "/es/dataset/?q=pozos&vocab_municipality=0115&res_format=CSV&sort=title_string+asc"
        }

    def test_chosen_values_are_listed_and_can_be_removed(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        path = "/es/dataset/?vocab_municipality=0115&organization=villa-nueva&res_format=XYZ"
        page = visitor.page(path)
        chosen = page.select(".marathon-chosen li")
        named = {each.strong.text: each.a["href"] for each in chosen}  # type: ignore[union-attr,index]
        assert [each.strong.text for each in chosen] == ["Villa Nueva", "Villa Nueva", "XYZ"]  # type: ignore[union-attr]
        assert titles(page) == set()
        assert titles(visitor.page(str(named["XYZ"]))) == {"Pozos"}

    def test_ideas_that_wait_for_data_are_found(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/es/idea/")
        assert list(choices(page, "vocab_data_needs").values()) == [1]
        assert titles(visitor.page("/es/idea/?vocab_data_needs=unmet")) == {"Medir los pozos"}
        assert titles(visitor.page("/es/idea/?vocab_data_needs=met")) == set()

    def test_datasets_are_filtered_by_values_of_their_ideas(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/es/dataset/")
        for field, name in [
            ("vocab_community", "El Frutal"),
            ("vocab_workshop", "Taller de Villa Nueva"),
        ]:
            assert titles(visitor.page(follow(page, field, name))) == {"Pozos"}, field

    def test_a_long_list_shows_all_values_without_scripts(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        names = [f"Aldea {number:02}" for number in range(14)]
        Idea(workshop=chain["at"]["id"], community=names)
        more = filter_of(visitor.page("/es/idea/"), "vocab_community").select_one("details")
        assert more
        assert more.summary
        assert len(more.select("a")) == 15 - 10

    def test_filters_can_be_used_without_scripts(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page("/es/idea/")
        assert page.select_one(".marathon-to-filters a")["href"] == "#search-facets"  # type: ignore[index]
        assert page.find(id="search-facets")
        assert not page.select("a.show-filters, a:not([href])")

    def test_malformed_filters_get_200(self, visitor: Reader, chain: dict[str, Any]) -> None:
        for query in (
            'vocab_municipality="',
            "vocab_municipality=9999&vocab_department=x",
            "vocab_community=a%22+OR+b:%22c",
            "vocab_service_problem=%5C",
            "organization=nobody&organization=%22",
            "vocab_workshop=x",
            "res_format=" + "x" * 3000,
        ):
            for path in ("dataset/", "idea/", "organization/villa-nueva"):
                assert visitor.get(f"/es/{path}?{query}").status_code == 200, (path, query)

    def test_the_title_of_a_private_workshop_is_not_shown(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        hidden = Workshop(title="Secreto", private=True)
        assert "Secreto" not in visitor.get(f"/es/idea/?vocab_workshop={hidden['id']}").text


SEARCH = "/es/marathon/search"


def parts(page: BeautifulSoup) -> dict[str, str]:
    """Return the headings of the parts by their types."""
    found = page.select("section.marathon-part")
    return {str(each["id"]): each.h2.text for each in found}  # type: ignore[union-attr]


def meant(page: BeautifulSoup) -> list[str]:
    return [" ".join(each.stripped_strings) for each in page.select(".marathon-meant li")]


def test_an_organisation_s_page_has_the_same_filters(
    visitor: Reader, chain: dict[str, Any]
) -> None:
    other = Idea(workshop=chain["at"]["id"], service_problem=["RES-01"])
    MarathonDataset(idea=[other["id"]], title="Basureros")
    page = visitor.page("/es/organization/villa-nueva")
    first = visitor.page(follow(page, "vocab_service_problem", "Agua potable irregular"))
    assert titles(first) == {"Pozos"}
    area = label(filter_of(first, "vocab_service_problem").select("a")[-1])
    both = visitor.page(follow(first, "vocab_service_problem", area))
    assert titles(both) == {"Pozos", "Basureros"}


class TestOneSearch:
    def test_results_are_grouped_by_type(self, visitor: Reader, chain: dict[str, Any]) -> None:
        page = visitor.page(f"{SEARCH}?q=pozos")
        assert parts(page) == {
            "idea": "Ideas (1)",
            "workshop": "Talleres (0)",
            "dataset": "Conjuntos de datos (1)",
        }
        assert [a.text for a in page.select("#idea .marathon-list a")] == ["Medir los pozos"]
        assert [a.text for a in page.select("#dataset .marathon-list a")] == ["Pozos"]

    def test_the_first_five_results_and_a_link_to_all_are_shown(
        self, visitor: Reader, villa_nueva: dict[str, Any]
    ) -> None:
        workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"])
        for number in range(6):
            Idea(workshop=workshop["id"], title=f"Agua para todos {number}")
        page = visitor.page(f"{SEARCH}?q=agua&municipality=0115")
        assert len(page.select("#idea .marathon-list > li")) == 5
        (link,) = page.select("#idea > p a")
        assert link["href"] == "/es/idea/?q=agua&vocab_municipality=0115"
        assert len(visitor.page(str(link["href"])).select(".dataset-heading")) == 6

    def test_without_words_the_newest_records_are_shown(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page(SEARCH)
        first = page.select_one("#idea .marathon-list a")
        assert first
        assert first.text == "Rutas de basura"

    def test_results_can_be_limited_to_a_municipality(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        page = visitor.page(f"{SEARCH}?municipality=2105")
        assert [a.text for a in page.select("#dataset .marathon-list a")] == ["Rutas"]
        assert "San Carlos Alzatate" in page.select_one(".form-check-label").text  # type: ignore[union-attr]

    def test_pages_with_matching_names_are_suggested(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        for words, named in (
            ("san carlos alzatate", "Municipio: San Carlos Alzatate"),
            ("agua en San Cárlos ALZATATE", "Municipio: San Carlos Alzatate"),
            ("santa catarina pin", "Municipio: Santa Catarina Pinula"),
            ("quetzaltenango", "Departamento: Quetzaltenango"),
            ("agua potable", "Área de servicio: Agua potable"),
        ):
            found = meant(visitor.page(f"{SEARCH}?q={words}"))
            assert any(each.startswith(named) for each in found), found

    def test_an_empty_result_has_suggestions(self, visitor: Reader, chain: dict[str, Any]) -> None:
        page = visitor.page("/en/marathon/search?q=zzzz&municipality=0115")
        text = page.select_one(".primary").get_text(" ")  # type: ignore[union-attr]
        assert "Nothing was found" in text
        assert "fewer words" in text
        links = {str(a["href"]) for a in page.select(".primary a")}
        assert {"/en/service-problem", "/en/municipality", "/en/marathon/search?q=zzzz"} <= links

    def test_query_syntax_and_odd_characters_are_words_or_nothing(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        every = {"routes", "rubbish", "dataset", "idea", "at", "there"}
        for query, words, expected in (
            ("q=agua:+pozos", "agua: pozos", {"idea", "dataset"}),
            ("q=%7B!join+from=a%7Dx", "{!join from=a}x", set[str]()),
            ('q="', "", every),
            ("q=_query_:%22x%22", '_query_:"x"', set[str]()),
            ("q=(((", "", every),
            ("q=AND+OR+NOT", "AND OR NOT", set[str]()),
            ("q=%5C&municipality=%22", "", every),
            # The initials of made-up texts are not known.
            ("q=" + "a " * 900, " ".join("a" * 100), None),
            ("municipality=9999", "", every),
        ):
            page = visitor.page(f"{SEARCH}?{query}")
            assert page.select_one("#search-words")["value"] == words, query
            assert expected is None or find_listed(page, chain) == expected, query

    def test_a_script_in_the_words_is_escaped(self, visitor: Reader, chain: dict[str, Any]) -> None:
        answer = visitor.get(f"{SEARCH}?q=<script>alert(1)</script>")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        page = BeautifulSoup(answer.text, "html.parser")
        assert page.select_one("#search-words")["value"] == "<script>alert(1)</script>"
        assert "<script>alert(1)</script>" in page.select_one("h1").text

    def test_private_records_are_not_found_by_any_account(
        self, visitor: Reader, editor: Reader, chain: dict[str, Any]
    ) -> None:
        Idea(workshop=chain["at"]["id"], title="Pozos ocultos", private=True)
        for reader in (visitor, editor):
            assert "ocultos" not in reader.get(f"{SEARCH}?q=pozos").text

    def test_a_search_needs_three_solr_queries(
        self, visitor: Reader, chain: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = logging.getLogger("ckan.lib.search.query")
        said: list[str] = []
        watch = logging.Handler()
        monkeypatch.setattr(watch, "emit", lambda record: said.append(record.getMessage()))
        monkeypatch.setattr(log, "handlers", [watch])
        # Other tests read configurations that silence it.
        monkeypatch.setattr(log, "disabled", False)
        log.setLevel(logging.DEBUG)
        visitor.page(f"{SEARCH}?q=agua")
        log.setLevel(logging.NOTSET)
        assert len([each for each in said if each.startswith("Package query")]) == 3

    def test_without_solr_the_page_gets_503_with_other_links(
        self, visitor: Reader, chain: Any, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:9/solr/nobody")
        answer = visitor.get("/en/marathon/search?q=alzatate")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "60"
        assert "search engine is away" in answer.text
        assert 'href="/en/municipality/2105"' in answer.text
        assert 'href="/en/service-problem"' in answer.text


def test_the_dataset_search_finds_only_datasets(visitor: Reader, chain: dict[str, Any]) -> None:
    CoordinatingBody()
    assert titles(visitor.page("/es/dataset/?q=pozos")) == {"Pozos"}


class TestBlankValues:
    """Values that older records have and that print nothing have no place in a list."""

    def test_facets_have_no_blank_entry(self, visitor: Reader, chain: dict[str, Any]) -> None:
        dataset = model.Package.get(chain["dataset"]["id"])
        assert dataset
        for blank in (" ", "\u200b", "\u3164"):
            resource = model.Resource(
                package_id=dataset.id, url="https://example.gt/a", format=blank
            )
            resource.position = 9
            model.Session.add(resource)
        model.repo.commit()
        search.rebuild(dataset.id)
        owner = chain["dataset"]["organization"]["name"]
        for path in ("/dataset", f"/organization/{owner}", f"/dataset/{dataset.name}"):
            page = visitor.page(path)
            named = page.select(".marathon-choices a > span, .label, .badge")
            assert not [str(each) for each in named if is_blank(each.text)], path
        assert choices(visitor.page("/dataset"), "res_format") == {"CSV": 1}
        # Nor has the address of one that somebody kept.
        chosen = visitor.page("/es/dataset?res_format=%20").select(".marathon-chosen")
        assert "(sin nombre)" in chosen[0].text

    def test_records_with_unknown_codes_fail_no_search_or_page(
        self, visitor: Reader, chain: dict[str, Any]
    ) -> None:
        for name in ("dataset", "idea", "at"):
            package = model.Package.get(chain[name]["id"])
            assert package
            package.extras = {
                **package.extras,
                "municipality": '["9999", "0115"]',
                "service_problem": '["XXX-99", "AGU-01"]',
                "status": "soñada",
            }
        model.repo.commit()
        search.rebuild()
        owner = chain["dataset"]["organization"]["name"]
        for path in (
            *("/dataset", "/idea", "/workshop", "/municipality/0115", "/service-problem/AGU-01"),
            *(f"/organization/{owner}", "/agenda", "/marathon", "/municipality"),
        ):
            assert visitor.get(path).status_code in (200, 301, 302), path
