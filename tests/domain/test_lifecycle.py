from __future__ import annotations

from itertools import product

import pytest

from ckanext.marathon.domain import idea
from ckanext.marathon.vocabulary.schemes import IDEA_STATUS

ALLOWED = {
    ("proposed", "prioritised"): "",
    ("proposed", "discarded"): "",
    ("prioritised", "in_progress"): "",
    ("prioritised", "discarded"): "",
    ("in_progress", "implemented"): "",
    ("in_progress", "prioritised"): "",
    ("in_progress", "discarded"): "",
    ("implemented", "in_progress"): "reopened: needs a reason",
    ("discarded", "proposed"): "reopened: needs a reason",
}


class TestSteps:
    @pytest.mark.parametrize(("before", "after"), list(product(IDEA_STATUS.codes, repeat=2)))
    def test_only_allowed_steps_are_accepted_and_reopening_needs_a_reason(
        self, before: str, after: str
    ) -> None:
        silent = idea.check_step(before, after, "")
        explained = idea.check_step(before, after, "the well ran dry")
        if before == after:
            assert silent == explained == []
        elif (before, after) not in ALLOWED:
            assert [fault.path for fault in silent + explained] == [("status",), ("status",)]
        elif ALLOWED[(before, after)]:
            assert [fault.path for fault in silent] == [("status_reason",)]
            assert explained == []
        else:
            assert silent == explained == []

    def test_the_table_has_exactly_the_statuses_of_the_vocabulary(self) -> None:
        assert set(idea.STEPS) == set(IDEA_STATUS.codes)
        assert {after for steps in idea.STEPS.values() for after in steps} == set(IDEA_STATUS.codes)

    def test_an_illegal_step_names_the_legal_ones(self) -> None:
        (fault,) = idea.check_step("proposed", "implemented", "")
        allowed = [labels["en"] for labels in fault.fault.values["allowed"]]
        assert allowed == ["prioritised", "discarded"]

    def test_a_blank_reason_is_refused(self) -> None:
        assert idea.check_step("discarded", "proposed", "  \n ")


class TestStart:
    def test_a_new_idea_starts_as_proposed(self) -> None:
        assert idea.check_start("proposed", may_record_the_past=False) == []
        assert idea.check_start("implemented", may_record_the_past=False)

    def test_with_the_right_to_record_the_past_any_first_status_is_allowed(self) -> None:
        assert all(
            idea.check_start(code, may_record_the_past=True) == [] for code in IDEA_STATUS.codes
        )
