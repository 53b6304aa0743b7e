"""A chain whose figures differ by municipality, problem and need."""

from __future__ import annotations

from typing import Any

from tests import factories

Chain = dict[str, Any]


def make(service_problem: list[str], **workshop: Any) -> Chain:
    """Make a workshop of two municipalities; an idea of one, with two needs, one of them met.

    Args:
        service_problem: of the idea.
        workshop: fields of the workshop besides its own.
    """
    organization = factories.Municipality(municipality_code="2105")
    said_in = factories.Workshop(
        owner_org=organization["id"],
        municipality=["2105", "2101"],
        service_problem=["AGU-01"],
        **workshop,
    )
    idea = factories.Idea(
        workshop=said_in["id"],
        municipality=["2105"],
        service_problem=service_problem,
        data_need=[{"what": "Horario"}, {"what": "Cortes"}],
    )
    dataset = factories.MarathonDataset(
        owner_org=organization["id"], idea=[idea["id"]], data_need=[idea["data_need"][0]["id"]]
    )
    return {"workshop": said_in, "idea": idea, "dataset": dataset}
