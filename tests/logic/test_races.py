"""Two at the same instant: each in a thread with a database connection of its own."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories as core
from ckan.tests.helpers import call_action

from ckanext.marathon.model.link import Link
from ckanext.marathon.model.municipality import MunicipalityClaim
from ckanext.marathon.model.package import PackageCode
from tests import factories, proving

ROUNDS = proving.count("races, rounds each", 3, 40)

Outcome = dict[str, Any] | tk.ValidationError | tk.NotAuthorized


def at_once(app: Any, *calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same moment; return the results and exceptions."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        with app.flask_app.test_request_context():
            try:
                barrier.wait(timeout=30)
                outcomes[number] = call()
            except Exception as fault:
                outcomes[number] = fault
            finally:
                model.Session.rollback()
                model.Session.remove()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "they wait for each other"
    model.Session.remove()
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, tk.ValidationError):
            raise outcome
    return outcomes


def as_admin(admin: str, action: str, **data: Any) -> Callable[[], Any]:
    context = {"user": admin, "ignore_auth": False}
    return lambda: tk.get_action(action)(dict(context), dict(data))


def failures(outcomes: list[Any]) -> list[tk.ValidationError]:
    return [each for each in outcomes if isinstance(each, tk.ValidationError)]


def delayed(rng: random.Random, call: Callable[[], Any]) -> Callable[[], Any]:
    """Begin a little later, so that every order of the two comes up."""
    pause = rng.choice([0, 0, 0.005, 0.02, 0.05])

    def later() -> Any:
        threading.Event().wait(pause)
        return call()

    return later


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    return proving.rng(request.node.name)


@pytest.fixture
def admin(marathon_site: None) -> str:
    return core.Sysadmin()["name"]


class TestTakingACode:
    def test_one_save_gets_it_and_the_other_an_error_at_its_field(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        organization = factories.Municipality()
        for number in range(ROUNDS):
            names = [f"taller-{number}-{who}" for who in "ab"]
            outcomes = at_once(
                app,
                *(
                    delayed(
                        rng,
                        as_admin(
                            admin,
                            "package_create",
                            type="workshop",
                            name=name,
                            title=name,
                            owner_org=organization["id"],
                            municipality=[organization["municipality_code"]],
                            code=f"T-{number}",
                        ),
                    )
                    for name in names
                ),
            )
            (failure,) = failures(outcomes)
            assert list(failure.error_dict) == ["code"]
            # Nothing of the second one is there: no package, no link, no code.
            there = [name for name in names if model.Package.get(name)]
            assert len(there) == 1
            assert model.Session.query(PackageCode).filter_by(code=f"T-{number}").count() == 1
        count = sa.select(sa.func.count(sa.distinct(Link.subject)))
        assert model.Session.scalar(count) == ROUNDS


class TestTakingAMunicipality:
    def test_one_save_gets_it_and_the_other_an_error_at_its_field(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        for number, municipality in enumerate(factories.CODES[:ROUNDS]):
            names = [f"muni-{number}-{who}" for who in "ab"]
            outcomes = at_once(
                app,
                *(
                    delayed(
                        rng,
                        as_admin(
                            admin,
                            "organization_create",
                            name=name,
                            title=name,
                            role="municipality",
                            municipality_code=municipality,
                        ),
                    )
                    for name in names
                ),
            )
            (failure,) = failures(outcomes)
            assert list(failure.error_dict) == ["municipality_code"]
            assert len([name for name in names if model.Group.get(name)]) == 1
        assert model.Session.query(MunicipalityClaim).count() == ROUNDS


class TestLinkingAndDeleting:
    """Either the link is there and its target too, or neither."""

    def test_either_a_dataset_is_linked_or_its_idea_is_deleted(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        workshop = factories.Workshop()
        for number in range(ROUNDS):
            idea = factories.Idea(workshop=workshop["id"])
            link = as_admin(
                admin,
                "package_create",
                name=f"datos-{number}",
                title="Datos",
                notes="De prueba",
                owner_org=workshop["owner_org"],
                idea=[idea["id"]],
            )
            delete = as_admin(admin, "package_delete", id=idea["id"])
            outcomes = at_once(app, delayed(rng, link), delayed(rng, delete))
            self.check(outcomes, idea["id"], f"datos-{number}", ["idea"])

    def test_either_an_idea_is_linked_or_its_workshop_is_deleted(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        organization = factories.Municipality()
        for number in range(ROUNDS):
            workshop = factories.Workshop(owner_org=organization["id"])
            link = as_admin(
                admin,
                "package_create",
                type="idea",
                name=f"idea-{number}",
                title="Idea",
                owner_org=organization["id"],
                service_problem=["AGU-01"],
                workshop=workshop["id"],
            )
            delete = as_admin(admin, "package_patch", id=workshop["id"], state="deleted")
            outcomes = at_once(app, delayed(rng, link), delayed(rng, delete))
            self.check(outcomes, workshop["id"], f"idea-{number}", ["workshop"])

    def test_either_a_record_is_added_or_its_organisation_is_deleted(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        for number in range(ROUNDS):
            organization = factories.Municipality()
            create = as_admin(
                admin,
                "package_create",
                type="workshop",
                name=f"taller-{number}",
                title="Taller",
                owner_org=organization["id"],
                municipality=[organization["municipality_code"]],
            )
            delete = as_admin(admin, "organization_delete", id=organization["id"])
            outcomes = at_once(app, delayed(rng, create), delayed(rng, delete))
            assert len(failures(outcomes)) == 1
            state = model.Group.get(organization["id"]).state
            assert (state == "active") == (model.Package.get(f"taller-{number}") is not None)

    def test_either_a_data_need_is_met_or_it_is_removed(
        self, admin: str, app: Any, rng: random.Random
    ) -> None:
        workshop = factories.Workshop()
        for number in range(ROUNDS):
            idea = factories.Idea(workshop=workshop["id"], data_need=[{"what": "Pozos"}])
            need = idea["data_need"][0]["id"]
            meet = as_admin(
                admin,
                "package_create",
                name=f"datos-{number}",
                title="Datos",
                notes="De prueba",
                owner_org=workshop["owner_org"],
                idea=[idea["id"]],
                data_need=[need],
            )
            remove = as_admin(admin, "package_patch", id=idea["id"], data_need=[])
            outcomes = at_once(app, delayed(rng, meet), delayed(rng, remove))
            assert len(failures(outcomes)) == 1
            assert list(failures(outcomes)[0].error_dict) == ["data_need"]
            kept = call_action("package_show", id=idea["id"]).get("data_need") or []
            assert bool(kept) == (model.Package.get(f"datos-{number}") is not None)

    def check(self, outcomes: list[Any], target: str, linking: str, fields: list[str]) -> None:
        (failure,) = failures(outcomes)
        linked = model.Package.get(linking) is not None
        assert (model.Package.get(target).state == "active") == linked
        expected = {"message", "obstacles"} if linked else set(fields)
        assert set(failure.error_dict) in (expected, {"state"})


class TestConcurrentSteps:
    def test_the_history_is_a_legal_path(self, admin: str, app: Any, rng: random.Random) -> None:
        for _ in range(ROUNDS):
            idea = factories.Idea()
            steps = [
                as_admin(admin, "marathon_idea_status_update", id=idea["id"], status=status)
                for status in ("prioritised", "discarded")
            ]
            at_once(app, *(delayed(rng, step) for step in steps))
            shown = call_action("package_show", id=idea["id"])
            path = [step["status"] for step in shown["history"]]
            assert path in (
                ["proposed", "prioritised", "discarded"],
                ["proposed", "discarded"],
            )
            assert shown["status"] == path[-1]


class TestPurgingWhileLinking:
    def test_no_link_has_a_missing_target(self, admin: str, app: Any, rng: random.Random) -> None:
        workshop = factories.Workshop()
        for number in range(ROUNDS):
            idea = factories.Idea(workshop=workshop["id"])
            dataset = factories.MarathonDataset(idea=[idea["id"]])
            other = factories.Idea(workshop=workshop["id"])
            link = as_admin(
                admin, "package_patch", id=dataset["id"], idea=[idea["id"], other["id"]]
            )
            purge = as_admin(admin, "dataset_purge", id=other["id"])
            at_once(app, delayed(rng, link), delayed(rng, purge))
            assert model.Package.get(other["id"]) is None, number
            objects = model.Session.scalars(
                sa.select(Link.object).where(Link.subject == dataset["id"])
            ).all()
            assert objects == [idea["id"]]
