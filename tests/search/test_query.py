"""Types left out of searches, found records, and labels of facets."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib.search import rebuild
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.marathon.search import query
from tests.factories import CoordinatingBody, Idea, MarathonDataset, Municipality, Workshop
from tests.remembered import remembered


def left_out(**params: Any) -> bool:
    return query.write_datasets_filter() in (query.before_search(params).get("fq_list") or [])


class TestExclusion:
    @pytest.mark.parametrize(
        "params",
        [
            {},
            {"fq": None, "fq_list": None, "extras": None},
            {"q": "dataset_type:idea"},
            {"fq": 'owner_org:"x" +capacity:public'},
            {"fq": "-dataset_type:harvest"},
            {"fq": "!dataset_type:harvest"},
            {"fq": "NOT dataset_type:harvest"},
            {"fq_list": ["-dataset_type:harvest", "-dataset_type:showcase"]},
            {"fq": 'tags:"state: of things"'},
            {"fq": r'tags:"a \" dataset_type:idea"'},
            {"fq": "res_state:x my_dataset_type:y"},
            {"extras": {"ext_marathon_types": "idea"}},
            {"extras": "nonsense"},
            {"fq_list": "tags:x"},
        ],
        ids=str,
    )
    def test_other_types_are_left_out_by_default(self, params: dict[str, Any]) -> None:
        assert left_out(**params)

    @pytest.mark.parametrize(
        "params",
        [
            {"fq": "dataset_type:idea"},
            {"fq": ' owner_org:"x" +dataset_type:idea'},
            {"fq": "(dataset_type:idea OR dataset_type:dataset)"},
            {"fq": "+state:deleted"},
            {"fq": "state : draft"},
            {"fq_list": ["+dataset_type:workshop"]},
            {"fq_list": ["-dataset_type:harvest", "+state:active"]},
            {"fq_list": "dataset_type:idea"},
            {"extras": {"ext_marathon_types": "all"}},
        ],
        ids=str,
    )
    def test_named_types_or_states_are_not_left_out(self, params: dict[str, Any]) -> None:
        assert not left_out(**params)

    def test_filters_of_the_caller_stay(self) -> None:
        found = query.before_search({"fq": "a:b", "fq_list": ["c:d"]})
        assert (found["fq"], found["fq_list"]) == ("a:b", ["c:d", query.write_datasets_filter()])

    @pytest.mark.parametrize("fq_list", [5, 0.5, {"a": 1}, [5], ["a:b", None], [["a:b"]], True])
    def test_filters_of_another_type_than_text_are_refused(self, fq_list: Any) -> None:
        with pytest.raises(tk.ValidationError) as refusal:
            query.before_search({"fq_list": fq_list})
        assert "fq_list" in refusal.value.error_dict


@pytest.fixture
@remembered
def chain() -> dict[str, Any]:
    muni = Municipality(municipality_code="2105")
    workshop = Workshop(
        owner_org=muni["id"],
        municipality=["2105"],
        title="Taller de Alzatate",
        service_problem=["AGU"],
        starts_at="2017-06-03T09:00:00-06:00",
    )
    idea = Idea(
        workshop=workshop["id"],
        title="Medir los pozos",
        community=["El Sitio"],
        data_need=[{"what": "Caudal de los pozos"}],
    )
    dataset = MarathonDataset(idea=[idea["id"]], license_id="cc-by", title="Pozos")
    factories.Resource(package_id=dataset["id"], format="CSV")
    return {"muni": muni, "workshop": workshop, "idea": idea, "dataset": dataset}


def search(**params: Any) -> dict[str, Any]:
    return call_action("package_search", context={"user": "", "ignore_auth": False}, **params)


def names(**params: Any) -> set[str]:
    return {package["name"] for package in search(**params)["results"]}


def items(field: str, **params: Any) -> dict[str, str]:
    found = search(**{"facet.field": [field], **params})["search_facets"][field]["items"]
    return {item["name"]: item["display_name"] for item in found}


def write_behind_ckan(package_id: str, **columns: Any) -> None:
    """Change a package by SQL, which neither the session nor Solr notices."""
    package = model.package_table
    model.Session.execute(sa.update(package).where(package.c.id == package_id).values(**columns))
    model.Session.commit()


@pytest.mark.usefixtures("marathon_site")
class TestFinding:
    def test_a_dataset_is_found_by_the_words_of_its_place_and_problem(
        self, chain: dict[str, Any]
    ) -> None:
        dataset = {chain["dataset"]["name"]}
        for text in (
            "agua san carlos",
            "AGUA San Carlos",
            "jalapa",
            "falta de agua",
            "water shortage",
            "potable alzatate",
            "2105",
            "AGU-01",
        ):
            assert names(q=text) == dataset, text

    def test_accents_do_not_matter(self) -> None:
        factories.Dataset(
            title="Educación", owner_org=CoordinatingBody()["id"], service_problem=["EDU"]
        )
        assert search(q="educacion")["count"] == search(q="educación")["count"] == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("vocab_municipality", "2105"),
            ("vocab_department", "21"),
            ("vocab_service_problem", "AGU-01"),
            ("vocab_service_problem", "AGU"),
            ("vocab_idea_status", "proposed"),
        ],
    )
    def test_a_dataset_is_filtered_by_values_of_its_idea(
        self, chain: dict[str, Any], field: str, value: str
    ) -> None:
        assert names(fq=f'{field}:"{value}"') == {chain["dataset"]["name"]}
        assert names(fq=f'{field}:"none"') == set()

    def test_a_dataset_is_filtered_by_idea_and_workshop(self, chain: dict[str, Any]) -> None:
        for kind in ("idea", "workshop"):
            found = names(fq=f'vocab_{kind}:"{chain[kind]["id"]}"')
            assert found == {chain["dataset"]["name"]}

    @pytest.mark.parametrize(("field", "value"), [("private", True), ("state", "deleted")])
    def test_a_dataset_is_not_filtered_by_the_hidden_workshop_of_its_public_idea(
        self, chain: dict[str, Any], field: str, value: Any
    ) -> None:
        """The workshop's id would reveal the connection."""
        write_behind_ckan(chain["workshop"]["id"], **{field: value})
        rebuild(chain["dataset"]["id"])
        assert names(fq=f'vocab_idea:"{chain["idea"]["id"]}"') == {chain["dataset"]["name"]}
        assert names(fq=f'vocab_workshop:"{chain["workshop"]["id"]}"') == set()

    def test_a_dataset_is_filtered_by_the_communities_of_its_public_ideas(
        self, chain: dict[str, Any]
    ) -> None:
        found = names(fq='vocab_community:"El Sitio"')
        assert found == {chain["dataset"]["name"]}
        hidden = Idea(workshop=chain["workshop"]["id"], community=["Agua Zarca"], private=True)
        MarathonDataset(idea=[hidden["id"], chain["idea"]["id"]])
        assert items("vocab_community") == {"El Sitio": "El Sitio"}

    def test_an_idea_is_filtered_by_community_and_workshop(self, chain: dict[str, Any]) -> None:
        ideas = {chain["idea"]["name"]}
        assert names(fq='dataset_type:idea +vocab_community:"El Sitio"') == ideas
        workshop = chain["workshop"]["id"]
        assert names(fq=f'dataset_type:idea +vocab_workshop:"{workshop}"') == ideas

    def test_workshops_are_sorted_by_date(self, chain: dict[str, Any]) -> None:
        early = Workshop(starts_at="2016-10-17T09:00:00-06:00")["name"]
        late = chain["workshop"]["name"]
        for sort, expected in (("asc", [early, late]), ("desc", [late, early])):
            found = search(fq="dataset_type:workshop", sort=f"starts_at_date {sort}")
            assert [p["name"] for p in found["results"]] == expected


@pytest.mark.usefixtures("marathon_site")
class TestFacets:
    @pytest.mark.parametrize(
        ("lang", "agua", "licence"),
        [
            ("es", "Agua potable irregular", "Creative Commons Atribución 4.0 Internacional"),
            (
                "en",
                "Irregular drinking water supply",
                "Creative Commons Attribution 4.0 International",
            ),
        ],
    )
    def test_values_are_named_in_the_reader_s_language(
        self, app: Any, chain: dict[str, Any], lang: str, agua: str, licence: str
    ) -> None:
        with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": lang}):
            assert items("vocab_municipality") == {"2105": "San Carlos Alzatate"}
            assert items("vocab_department") == {"21": "Jalapa"}
            assert items("vocab_service_problem")["AGU-01"] == agua
            assert items("license_id") == {"cc-by": licence}
            assert items("vocab_idea") == {chain["idea"]["id"]: "Medir los pozos"}
            assert items("vocab_workshop") == {chain["workshop"]["id"]: "Taller de Alzatate"}

    @pytest.mark.parametrize("package_type", ["dataset", "workshop", "idea"])
    def test_no_value_is_shown_as_a_code(
        self, app: Any, chain: dict[str, Any], package_type: str
    ) -> None:
        fields = [f for f in query.list_facets({}, package_type) if f != "vocab_community"]
        with app.flask_app.test_request_context(environ_overrides={"CKAN_LANG": "es"}):
            found = search(**{"facet.field": fields, "fq": f"dataset_type:{package_type}"})
        assert set(found["search_facets"]) == set(fields)
        for field, facet in found["search_facets"].items():
            assert facet["items"], field
            for item in facet["items"]:
                assert item["display_name"] != item["name"], (field, item)
                assert "[" not in item["display_name"]

    def test_the_title_of_a_private_idea_is_in_no_filter(self, chain: dict[str, Any]) -> None:
        sysadmin = factories.Sysadmin()["name"]
        call_action(
            "package_patch",
            context={"user": sysadmin},
            id=chain["idea"]["id"],
            private=True,
        )
        assert items("vocab_idea") == {}

    def test_the_title_of_a_deleted_idea_is_in_no_filter(self, chain: dict[str, Any]) -> None:
        """Also where the index still has it."""
        assert items("vocab_idea") == {chain["idea"]["id"]: chain["idea"]["title"]}
        write_behind_ckan(chain["idea"]["id"], state="deleted")
        assert items("vocab_idea") == {}


class TestFacetTitles:
    GIVEN = {"organization": "O", "groups": "G", "tags": "T", "res_format": "F", "license_id": "L"}

    def test_datasets_have_our_facets_before_those_of_the_site(self) -> None:
        assert list(query.list_facets(dict(self.GIVEN), "dataset")) == [
            "vocab_municipality",
            "vocab_department",
            "vocab_service_problem",
            "vocab_idea_status",
            "vocab_workshop",
            "vocab_community",
            "organization",
            "res_format",
            "license_id",
            "groups",
            "tags",
        ]

    def test_facets_left_out_by_the_site_stay_out(self) -> None:
        assert "tags" not in query.list_facets({"organization": "O"}, "dataset")

    def test_workshops_and_ideas_have_their_own_facets(self) -> None:
        assert "vocab_status" in query.list_facets(dict(self.GIVEN), "workshop")
        assert "vocab_idea_status" in query.list_facets(dict(self.GIVEN), "idea")
        assert "license_id" not in query.list_facets(dict(self.GIVEN), "idea")

    def test_facets_of_other_types_are_unchanged(self) -> None:
        assert query.list_facets(dict(self.GIVEN), "showcase") == self.GIVEN
