"""Figures by place and by problem."""

from __future__ import annotations

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.model import figures
from ckanext.marathon.model.figures import Figures
from ckanext.marathon.model.link import DEPARTMENT, MUNICIPALITY, PROBLEM
from tests.remembered import remembered

from .chain import Chain, make

pytestmark = pytest.mark.usefixtures("marathon_site")


@pytest.fixture
@remembered
def chain() -> Chain:
    return make(["AGU-01", "AGU-02"])


def test_totals_count_each_record_once(chain: Chain) -> None:
    assert figures.read_total_figures() == Figures(1, 1, 2, 1, 1)


def test_each_municipality_counts_the_records_about_it(chain: Chain) -> None:
    assert figures.read_figures_by(MUNICIPALITY) == {
        "2105": Figures(1, 1, 2, 1, 1),
        "2101": Figures(1),
    }


def test_a_department_counts_a_workshop_of_two_municipalities_once(chain: Chain) -> None:
    assert figures.read_figures_by(DEPARTMENT) == {"21": Figures(1, 1, 2, 1, 1)}


def test_an_area_counts_an_idea_about_two_of_its_problems_once(chain: Chain) -> None:
    assert figures.read_figures_by(PROBLEM) == {
        "AGU": Figures(1, 1, 2, 1, 1),
        "AGU-01": Figures(1, 1, 2, 1, 1),
        "AGU-02": Figures(0, 1, 2, 1, 1),
    }


def test_records_made_private_are_not_counted(chain: Chain) -> None:
    assert figures.read_total_figures().datasets == 1
    call_action("package_patch", id=chain["dataset"]["id"], private=True)
    assert figures.read_total_figures() == Figures(1, 1, 2, 0, 0)
    assert figures.read_figures_by(MUNICIPALITY)["2105"] == Figures(1, 1, 2, 0, 0)


def test_data_needs_of_a_discarded_idea_are_not_counted(chain: Chain) -> None:
    call_action(
        "package_patch", id=chain["idea"]["id"], status="discarded", status_reason="Ya existe"
    )
    assert figures.read_total_figures() == Figures(1, 1, 0, 0, 1)


def test_an_empty_site_has_no_figures() -> None:
    assert figures.read_total_figures() == Figures()
    assert figures.read_figures_by(MUNICIPALITY) == {}
