"""No query of an outsider reveals private, draft or deleted records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ckan.lib.search.common import make_connection
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from tests import factories

pytestmark = pytest.mark.usefixtures("marathon_site")

# Words that are nowhere else on the site, one for each hidden record.
MARKS = ("zzprivado", "zzborrador", "zzborrado", "zztallerpriv")


class Hidden:
    """One public dataset among hidden ones, and from a hidden idea of a hidden workshop."""

    def __init__(self, app: Any) -> None:
        self.app, self.count = app, 0
        self.owner = factories.Municipality(title="Municipio")
        self.group = core.Group()
        code = self.owner["municipality_code"]
        self.workshop = factories.Workshop(
            **self._marked("zztallerpriv"), municipality=[code], private=True
        )
        self.idea = factories.Idea(
            **self._marked("zzprivado"),
            workshop=self.workshop["id"],
            community=["Aldea zzprivado"],
            data_need=[{"what": "Pozos zzprivado"}],
            private=True,
        )
        needs = [self.idea["data_need"][0]["id"]]
        self.public = factories.MarathonDataset(
            title="Público", name="publico", idea=[self.idea["id"]], data_need=needs
        )
        self.public_idea = factories.Idea(title="Abierta", workshop=self.workshop["id"])
        ideas = {"idea": [self.public_idea["id"]]}
        self.private = factories.MarathonDataset(**self._marked("zzprivado"), **ideas, private=True)
        self.draft = factories.MarathonDataset(**self._marked("zzborrador"), **ideas, state="draft")
        self.deleted = factories.MarathonDataset(**self._marked("zzborrado"), **ideas)
        call_action("package_delete", id=self.deleted["id"])

    def _marked(self, mark: str) -> dict[str, Any]:
        self.count += 1
        file = {"url": f"https://a.gt/{mark}.csv", "name": f"Archivo {mark}", "description": mark}
        return {
            "title": f"Título {mark}",
            "name": f"nombre-{mark}-{self.count}",
            "notes": f"Notas {mark}",
            "tags": [{"name": mark}],
            "groups": [{"name": self.group["name"]}],
            "resources": [{**file, "format": mark.upper()}],
            "owner_org": self.owner["id"],
        }

    @property
    def secrets(self) -> list[str]:
        """Return the words and ids that nobody outside may read."""
        hidden = (self.workshop, self.idea, self.private, self.draft, self.deleted)
        ids = [each["id"] for each in hidden] + [each["resources"][0]["id"] for each in hidden]
        return [*MARKS, *ids, self.idea["data_need"][0]["id"]]

    def find_secrets(self, action: str, **data: Any) -> list[str]:
        """Return the secrets in the answer to an anonymous call of an action."""
        answer = self.app.post(f"/api/3/action/{action}", json=data)
        assert answer.status_code in (200, 400, 403, 404, 409), (action, answer.body)
        body = answer.body.lower()
        # An error may repeat the query.
        asked = json.dumps(data).lower()
        return [secret for secret in self.secrets if secret in body and secret not in asked]


@pytest.fixture
def hidden(app: Any) -> Hidden:
    return Hidden(app)


def solr_fields() -> list[str]:
    """Return the names of all fields that Solr has of anything now."""
    documents = make_connection(decode_dates=False).search("*:*", rows=100, fl="*").docs
    return sorted({name for document in documents for name in document})


QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("package_search", {}),
    ("package_search", {"q": "zz*"}),
    ("package_search", {"fl": ["*"]}),
    ("package_search", {"fl": ["id", "idea", "extras_idea", "extras_workshop", "text"]}),
    ("package_search", {"use_default_schema": True}),
    ("package_search", {"ext_marathon_types": "all", "fl": ["*"]}),
    ("package_search", {"ext_marathon_types": "all"}),
    ("package_search", {"ext_marathon_types": "all", "use_default_schema": True}),
    ("package_search", {"include_private": True, "include_drafts": True}),
    ("package_search", {"include_deleted": True, "include_drafts": True}),
    ("package_search", {"fq": "state:(active OR draft OR deleted)", "fl": ["*"]}),
    ("package_search", {"fq": "+state:deleted"}),
    ("package_search", {"fq": "+state:draft OR capacity:private"}),
    ("package_search", {"sort": "title_string desc", "ext_marathon_types": "all"}),
    ("package_list", {}),
    ("package_autocomplete", {"q": "zz"}),
    ("package_autocomplete", {"q": "nombre"}),
    ("current_package_list_with_resources", {"limit": 100}),
    ("resource_search", {"query": "name:zz"}),
    ("resource_search", {"query": "name:Archivo"}),
    ("resource_search", {"query": "format:zz"}),
    ("format_autocomplete", {"q": "zz"}),
    ("tag_list", {}),
    ("tag_list", {"query": "zz"}),
    ("tag_list", {"all_fields": True}),
    ("tag_autocomplete", {"query": "zz"}),
    ("tag_search", {"query": "zz"}),
    ("tag_show", {"id": "zzprivado", "include_datasets": True}),
    ("group_list", {"all_fields": True, "include_extras": True}),
    ("organization_list", {"all_fields": True, "include_dataset_count": True}),
    ("marathon_idea_choices", {}),
    ("marathon_idea_choices", {"q": "zz"}),
    ("dcat_catalog_show", {}),
    ("dcat_datasets_list", {}),
    ("dcat_catalog_search", {"q": "zz*"}),
)


class TestTheApi:
    def test_no_answer_reveals_hidden_words(self, hidden: Hidden) -> None:
        told = {
            f"{action} {json.dumps(data)}": found
            for action, data in (*QUESTIONS, *about(hidden))
            if (found := hidden.find_secrets(action, **data))
        }
        assert told == {}

    def test_no_facet_counts_or_names_a_hidden_value(self, hidden: Hidden) -> None:
        told = {}
        for field in solr_fields():
            for least in (0, 1):
                asked: dict[str, Any] = {"facet.field": [field], "facet.mincount": least}
                asked |= {"facet.limit": 1_000, "rows": 0, "ext_marathon_types": "all"}
                found = hidden.find_secrets("package_search", **asked)
                if found:
                    told[f"{field} {least}"] = found
        assert told == {}

    def test_no_query_finds_a_public_record_by_hidden_words(self, hidden: Hidden) -> None:
        found = {}
        words = [*hidden.secrets, hidden.idea["name"], hidden.workshop["name"]]
        for word in words:
            for field in ("text", *solr_fields()):
                asked = {"q": f'{field}:"{word}"', "ext_marathon_types": "all", "rows": 0}
                answer = hidden.app.post("/api/3/action/package_search", json=asked)
                if answer.status_code == 200 and answer.json["result"]["count"]:
                    found[field, word] = answer.json["result"]["count"]
        assert found == {}


def about(hidden: Hidden) -> list[tuple[str, dict[str, Any]]]:
    """Return requests for public records, and for the hidden ones by their ids."""
    owner, group = hidden.owner["id"], hidden.group["id"]
    public = ("package_show", "marathon_idea_datasets")
    return [
        ("organization_show", {"id": owner, "include_datasets": True}),
        ("group_show", {"id": group, "include_datasets": True}),
        ("group_package_show", {"id": group, "limit": 100}),
        ("member_list", {"id": owner, "object_type": "package"}),
        ("member_list", {"id": group, "object_type": "package"}),
        ("member_list", {"id": group}),
        ("marathon_workshop_ideas", {"id": hidden.workshop["id"]}),
        ("marathon_idea_datasets", {"id": hidden.public_idea["id"]}),
        ("marathon_data_need_list", {"id": hidden.idea["id"]}),
        ("package_show", {"id": hidden.public_idea["id"]}),
        ("package_show", {"id": hidden.public_idea["id"], "use_default_schema": True}),
        ("package_show", {"id": hidden.public["id"], "use_default_schema": True}),
        *((action, {"id": hidden.public["id"]}) for action in public),
        ("marathon_idea_datasets", {"id": hidden.idea["name"]}),
    ]
