"""The sentence about an idea, with any of its facts missing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ckanext.marathon.domain import idea
from ckanext.marathon.domain.idea import StatusSince, StoryContact, StoryFacts

INFOM = StoryContact("infom", "INFOM", "datos@infom.example.gt", "https://infom.example.gt")


def write_sentence(facts: StoryFacts) -> str:
    """Return the English sentence."""
    clauses = [each.text.format(**each.values) for each in idea.write_story(facts)]
    return "; ".join(clauses) + "."


def known(status: str, **more: Any) -> StoryFacts:
    return StoryFacts(
        title="Map of leaks",
        status=status,
        since="2017-06-03",
        workshop="Marathon of May",
        said_on="2017-05-27",
        contact=INFOM,
        **more,
    )


class TestSentence:
    def test_the_sentence_names_title_status_next_step_and_contact(self) -> None:
        assert write_sentence(known("prioritised")) == (
            "“Map of leaks” was proposed in “Marathon of May” on 2017-05-27; "
            "it has been among the first to be taken up since 2017-06-03; "
            "the next step is to begin work on it; "
            "to know more, write to INFOM (datos@infom.example.gt)."
        )

    @pytest.mark.parametrize("status", [*idea.STEPS, "", "lost"])
    @pytest.mark.parametrize("since", ["2017-06-03", ""])
    @pytest.mark.parametrize("is_exact", [True, False])
    @pytest.mark.parametrize("workshop", ["Marathon of May", ""])
    @pytest.mark.parametrize("said_on", ["2017-05-27", ""])
    @pytest.mark.parametrize("contact", [INFOM, None])
    def test_every_status_gives_a_sentence_with_any_fact_missing(
        self,
        status: str,
        since: str,
        is_exact: bool,
        workshop: str,
        said_on: str,
        contact: StoryContact | None,
    ) -> None:
        facts = StoryFacts("A", status, since, is_exact, workshop, said_on, contact=contact)
        text = write_sentence(facts)
        assert text.startswith("“A” was proposed in ")
        assert "{" not in text
        assert "()" not in text
        assert ";;" not in text.replace(" ", "")

    @pytest.mark.parametrize("status", idea.STEPS)
    def test_a_status_without_a_day_has_no_date_in_the_sentence(self, status: str) -> None:
        facts = known(status)._replace(since="", said_on="")
        assert "2017" not in write_sentence(facts)

    @pytest.mark.parametrize(
        ("is_evident", "words"), [(True, "can be seen"), (False, "has still to be shown")]
    )
    def test_the_sentence_of_an_implemented_idea_mentions_its_evidence(
        self, is_evident: bool, words: str
    ) -> None:
        assert words in write_sentence(known("implemented", is_evident=is_evident))

    @pytest.mark.parametrize(
        ("is_explained", "words"), [(True, "says why"), (False, "unless it is opened again")]
    )
    def test_the_sentence_of_a_discarded_idea_mentions_its_reason(
        self, is_explained: bool, words: str
    ) -> None:
        assert words in write_sentence(known("discarded", is_explained=is_explained))

    def test_braces_in_a_title_are_printed_unchanged(self) -> None:
        assert "“{date}”" in write_sentence(known("proposed")._replace(title="{date}"))

    @pytest.mark.parametrize(
        ("contact", "words"),
        [
            (INFOM._replace(email=""), "see INFOM (https://infom.example.gt)"),
            (INFOM._replace(email="", homepage=""), "ask INFOM"),
        ],
    )
    def test_the_sentence_ends_with_the_known_contact(
        self, contact: StoryContact, words: str
    ) -> None:
        assert write_sentence(known("proposed")._replace(contact=contact)).endswith(f"{words}.")


class TestStatusSince:
    def test_an_idea_is_proposed_from_the_day_of_its_workshop_on(self) -> None:
        history = [{"at": "2026-11-20T18:00:00Z", "status": "proposed"}]
        assert idea.find_status_since("proposed", history, "2017-05-27") == StatusSince(
            "2017-05-27", True
        )
        assert idea.find_status_since("proposed", history, "") == StatusSince("2026-11-20", True)

    def test_the_day_of_an_idea_entered_with_a_later_status_is_not_exact(self) -> None:
        history = [{"at": "2026-11-20T18:00:00Z", "status": "in_progress"}]
        assert idea.find_status_since("in_progress", history, "2017-05-27") == StatusSince(
            "2026-11-20", False
        )

    def test_the_day_of_the_last_step_is_that_of_guatemala(self) -> None:
        history = [
            {"at": "2026-11-20T18:00:00Z", "status": "proposed"},
            {"at": "2026-11-22T03:00:00Z", "status": "discarded"},
        ]
        assert idea.find_status_since("discarded", history, "2017-05-27") == StatusSince(
            "2026-11-21", True
        )

    def test_a_history_that_contradicts_the_status_gives_no_day(self) -> None:
        history = [{"at": "2026-11-20T18:00:00Z", "status": "proposed"}]
        assert idea.find_status_since("implemented", history, "").day == ""
        assert idea.find_status_since("proposed", [], "2017-05-27").day == ""


class TestDayOfTheWorkshop:
    @pytest.mark.parametrize(
        ("starts_at", "day"),
        [
            ("2017-05-27T09:00:00-06:00", "2017-05-27"),
            ("2017-05-27", "2017-05-27"),
            ("2027-01-01", ""),
            ("", ""),
            ("one day", ""),
        ],
    )
    def test_only_a_past_workshop_gives_a_day(self, starts_at: str, day: str) -> None:
        assert idea.read_said_on(starts_at, date(2026, 11, 26)) == day


class TestContact:
    def test_the_first_reachable_contact_is_chosen(self) -> None:
        mute = StoryContact("jalapa", "Jalapa", "", "")
        assert idea.find_contact([mute, INFOM]) == INFOM
        assert idea.find_contact([mute]) == mute
        assert idea.find_contact([]) is None


@pytest.mark.parametrize(
    ("status", "following"),
    [
        ("proposed", "prioritised"),
        ("prioritised", "in_progress"),
        ("in_progress", "implemented"),
        ("implemented", ""),
        ("discarded", ""),
        ("", ""),
    ],
)
def test_the_next_possible_step_leads_forward(status: str, following: str) -> None:
    assert idea.find_status_ahead(status) == following
