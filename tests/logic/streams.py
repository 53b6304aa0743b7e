"""A municipality whose officer saves through the API, and the activities that others can read."""

from __future__ import annotations

import json
from typing import Any

from ckan import model
from ckan.tests import factories as core

from tests import factories

PLUGINS = "marathon activity scheming_datasets scheming_organizations dcat image_view"
# Too long to occur in an identifier or a time by chance. Three men, so that both are masked.
COUNTS = {"participants": 74_007_403, "participants_women": 74_007_400, "participants_men": 3}
KINDS = ("workshop", "idea", "dataset")


class Stream:
    """A chain saved by one officer, and the activities that others read over HTTP."""

    def __init__(self, app: Any, **fields: dict[str, Any]) -> None:
        """Save workshop, idea and dataset, with further ``fields`` of each."""
        self.app = app
        factories.CoordinatingBody()
        self.owner = factories.Municipality()
        self.officer = core.UserWithToken(fullname="Ana Xiloj Tzunux")
        core_context = {"user": core.Sysadmin()["name"], "ignore_auth": True}
        factories.call_action(
            "organization_member_create",
            context=core_context,
            id=self.owner["id"],
            username=self.officer["name"],
            role="admin",
        )
        self.workshop = self._save(
            "workshop",
            {"kind": "ideation", "status": "held", **COUNTS},
            {"municipality": [self.owner["municipality_code"]], **fields.get("workshop", {})},
        )
        self.idea = self._save(
            "idea",
            {"workshop": self.workshop["id"], "service_problem": ["AGU-01"]},
            {"data_need": [{"what": "Pozos"}], **fields.get("idea", {})},
        )
        needs = [self.idea["data_need"][0]["id"]]
        self.dataset = self._save(
            "dataset", {"idea": [self.idea["id"]], "data_need": needs}, fields.get("dataset", {})
        )

    def _save(self, kind: str, *fields: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = {"type": kind, "owner_org": self.owner["id"], "notes": "-"}
        data |= {"name": f"el-{kind}", "title": f"El {kind} secreto"}
        for more in fields:
            data |= more
        return self.save("package_create", **data)

    def save(self, action: str, **data: Any) -> Any:
        """Call an action as the officer, over HTTP, where the request is theirs."""
        answer = self.post(action, self.officer, **data)
        assert answer.status_code == 200, answer.body
        return answer.json["result"]

    def post(self, action: str, user: dict[str, Any] | None = None, **data: Any) -> Any:
        """Return the answer to a call of the API; ``None`` is an anonymous visitor."""
        headers = {"Authorization": user["token"]} if user else {}
        return self.app.post(f"/api/3/action/{action}", json=data, headers=headers)

    def read(self, action: str, user: dict[str, Any] | None = None, **data: Any) -> Any:
        """Return the result of an action, ``None`` where it is refused or finds nothing."""
        answer = self.post(action, user, **data)
        assert answer.status_code in (200, 403, 404), answer.body
        return answer.json["result"] if answer.status_code == 200 else None

    def ids(self) -> dict[str, str]:
        """Return the ids of workshop, idea and dataset."""
        return {kind: getattr(self, kind)["id"] for kind in KINDS}

    def lists(self, user: dict[str, Any] | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that somebody reads in each list, by the list's name."""
        asked: dict[str, tuple[str, dict[str, Any]]] = {
            "recent": ("recently_changed_packages_activity_list", {}),
            "organization": ("organization_activity_list", {"id": self.owner["id"]}),
            "user": ("user_activity_list", {"id": self.officer["name"]}),
            "dashboard": ("dashboard_activity_list", {}),
        }
        for kind, id_ in self.ids().items():
            asked[kind] = ("package_activity_list", {"id": id_})
        return {
            name: self.read(action, user, limit=100, **data) or []
            for name, (action, data) in asked.items()
        }

    def everything(self, user: dict[str, Any] | None = None) -> str:
        """Return all that somebody reads of activities, as text: lists, rows, versions, pages."""
        lists = self.lists(user)
        found: list[Any] = [lists]
        for row, record in [(row.id, row.object_id) for row in rows()]:
            for action in ("activity_show", "activity_data_show", "activity_diff"):
                asked = {"id": row, "object_type": "package", "include_data": True}
                found.append(self.read(action, user, **asked))
            pages = (f"/dataset/changes/{row}", f"/dataset/{record}/history/{row}")
            found += [self.page(path, user) for path in pages]
        found += [self.page(path, user) for path in self._pages()]
        return json.dumps(found, ensure_ascii=False)

    def _pages(self) -> list[str]:
        pages = [f"/dataset/activity/{id_}" for id_ in self.ids().values()]
        pages.append(f"/organization/activity/{self.owner['name']}")
        return [*pages, f"/user/activity/{self.officer['id']}", "/dashboard/"]

    def page(self, path: str, user: dict[str, Any] | None = None) -> str:
        """Return a page without the parts of its own address; any status below 500 is right."""
        headers = {"Authorization": user["token"]} if user else {}
        answer = self.app.get(path, headers=headers, follow_redirects=True)
        assert answer.status_code < 500, (path, answer.body)
        body = answer.body
        for asked in filter(None, path.split("/")[2:]):
            body = body.replace(asked, "")
        return body


def rows(object_id: str = "") -> list[Any]:
    """Return the rows of the database, the oldest first: those of one record, or all."""
    from ckanext.activity.model import Activity

    model.Session.expire_all()
    query = model.Session.query(Activity).order_by(Activity.timestamp)
    return query.filter_by(object_id=object_id).all() if object_id else query.all()
