"""The page of an idea: sentence, history, contact, summaries in other languages, sharing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ckan.tests.helpers import call_action

from ckanext.marathon.domain import dates
from tests.factories import CoordinatingBody, Idea, MarathonDataset, Workshop
from tests.remembered import remembered

from .conftest import Reader
from .test_pages import hrefs, texts

pytestmark = pytest.mark.usefixtures("marathon_site")

KICHE = "http://lexvo.org/id/iso639-3/quc"
HOSTILE = "<script>alert(1)</script> {title} %(x)s שלום 🚰 " + "W" * 120


@pytest.fixture
@remembered
def workshop(villa_nueva: dict[str, Any]) -> dict[str, Any]:
    return Workshop(
        owner_org=villa_nueva["id"],
        municipality=["0115"],
        title="Marathon of May",
        starts_at="2017-05-27T09:00",
    )


@pytest.fixture
@remembered
def idea(workshop: dict[str, Any]) -> dict[str, Any]:
    return Idea(workshop=workshop["id"], title="Map of leaks", data_need=[{"what": "Leaks"}])


def sentence(reader: Reader, idea: dict[str, Any], lang: str = "en") -> str:
    return texts(reader.page(f"/{lang}/idea/{idea['name']}"), ".marathon-story")


class TestSentence:
    def test_the_page_begins_with_title_status_next_step_and_contact(
        self, visitor: Reader, villa_nueva: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        call_action("organization_patch", id=villa_nueva["id"], contact_email="datos@vn.gob.gt")
        said = sentence(visitor, idea)
        assert said == (
            "“ Map of leaks ” was proposed in “ Marathon of May ” on May 27, 2017 ; "
            "it has been waiting for a decision since May 27, 2017 ; "
            "the next step is to decide whether it is taken up; "
            "to know more, write to Villa Nueva ( datos@vn.gob.gt )."
        )
        page = visitor.page(f"/idea/{idea['name']}")
        assert "mailto:datos@vn.gob.gt" in hrefs(page, ".marathon-story")
        assert "mailto:datos@vn.gob.gt" in hrefs(page, "#take-part")

    def test_without_a_contact_of_the_municipality_the_coordinating_body_is_named(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        assert sentence(visitor, idea).endswith("to know more, ask Villa Nueva .")
        CoordinatingBody(name="infom", title="INFOM", homepage="https://infom.example.gt/datos")
        assert sentence(visitor, idea).endswith("see INFOM ( infom.example.gt ).")

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            (["prioritised"], "among the first to be taken up since"),
            (["prioritised", "in_progress"], "work on it has been under way since"),
            (["prioritised", "in_progress", "implemented"], "it was put into practice, as"),
            (["discarded"], "it was discarded on"),
        ],
    )
    def test_the_sentence_changes_with_the_status(
        self, visitor: Reader, idea: dict[str, Any], steps: list[str], words: str
    ) -> None:
        for step in steps:
            call_action("package_patch", id=idea["id"], status=step)
        assert words in sentence(visitor, idea)

    def test_a_private_workshop_is_not_named(
        self, visitor: Reader, idea: dict[str, Any], workshop: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=workshop["id"], private=True)
        text = visitor.get(f"/idea/{idea['name']}").text
        assert "was proposed in a workshop that is not public" in text
        assert "Marathon of May" not in text


class TestDatasets:
    def test_private_datasets_are_neither_named_nor_counted_for_visitors(
        self, visitor: Reader, editor: Reader, idea: dict[str, Any]
    ) -> None:
        for title, private in (("Leaks", False), ("Not yet", True)):
            MarathonDataset(
                owner_org=idea["owner_org"], idea=[idea["id"]], title=title, private=private
            )
        path = f"/idea/{idea['name']}"
        seen, own = (texts(reader.page(path), "#datasets") for reader in (visitor, editor))
        assert "Leaks" in seen
        assert "Not yet" not in seen
        assert "See all" not in seen
        assert "Not yet" in own


class TestHistory:
    def test_the_history_goes_from_the_workshop_to_the_next_possible_step(
        self, visitor: Reader, idea: dict[str, Any], workshop: dict[str, Any]
    ) -> None:
        page = visitor.page(f"/idea/{idea['name']}")
        said, first, ahead = page.select("#history li")
        assert "May 27, 2017" in said.text
        assert f"/workshop/{workshop['name']}" in str(said)
        assert "proposed" in first.text
        assert "Next possible step" in ahead.text
        assert "prioritised" in ahead.text

    def test_feeds_and_news_are_linked(self, visitor: Reader, idea: dict[str, Any]) -> None:
        page = visitor.page(f"/es/idea/{idea['name']}")
        news, changes = (f"/idea/{idea['id']}/{feed}.atom" for feed in ("news", "catalog/changes"))
        links = page.select('link[rel="alternate"][type="application/atom+xml"]')
        assert {str(each["href"]).removeprefix("http://test.ckan.net") for each in links} == {
            f"/es{news}",
            changes,
        }
        assert f"/es{news}" in hrefs(page, "#follow")
        assert changes in hrefs(page, "#programs")
        for path in (*hrefs(page, "#programs"), f"/es{news}"):
            assert visitor.get(path).status_code == 200, path

    def test_coming_public_workshops_of_the_municipality_are_listed(
        self, visitor: Reader, villa_nueva: dict[str, Any], idea: dict[str, Any]
    ) -> None:
        day = dates.get_today()
        soon, late = (day + timedelta(days=n) for n in (3, 30))
        common = {"owner_org": villa_nueva["id"], "municipality": ["0115"]}
        for starts_at, status, private in [
            (late, "announced", False),
            (soon, "announced", False),
            (soon, "cancelled", False),
            (soon, "announced", True),
            (day - timedelta(days=1), "announced", False),
        ]:
            Workshop(starts_at=starts_at.isoformat(), status=status, private=private, **common)
        Workshop(starts_at=soon.isoformat(), status="announced")
        page = visitor.page(f"/idea/{idea['name']}")
        assert len(page.select("#take-part li")) == 2
        assert texts(page, "#take-part li small").count(str(soon.year)) >= 1


class TestDataNeeds:
    def test_data_needs_of_a_discarded_idea_are_marked(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=idea["id"], status="discarded")
        table = texts(visitor.page(f"/idea/{idea['name']}"), "#data-needs")
        assert "No longer asked for" in table
        assert "missing" not in table

    def test_the_table_has_a_caption_and_headers(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        page = visitor.page(f"/idea/{idea['name']}")
        assert page.select_one("#data-needs table caption")
        assert len(page.select('#data-needs thead th[scope="col"]')) == 4
        assert page.select('#data-needs tbody th[scope="row"]')


class TestOtherLanguages:
    def summarised(self, workshop: dict[str, Any], audio: str) -> dict[str, Any]:
        summary = [{"lang": KICHE, "text": "Ja'", "audio": audio}]
        return Idea(workshop=workshop["id"], summary=summary)

    def test_a_summary_has_language_and_source(
        self, visitor: Reader, workshop: dict[str, Any]
    ) -> None:
        idea = self.summarised(workshop, "")
        page = visitor.page(f"/es/idea/{idea['name']}")
        (part,) = page.select(".marathon-summary")
        assert [str(each["lang"]) for each in part.select("[lang]")] == ["quc", "quc"]
        assert "K'iche'" in part.text
        assert "Villa Nueva" in part.text

    def test_a_recording_of_this_site_has_a_player_without_preload(
        self, visitor: Reader, workshop: dict[str, Any], ckan_config: Any
    ) -> None:
        audio = f"{ckan_config['ckan.site_url']}/dataset/x/resource/y/download/idea.mp3"
        idea = self.summarised(workshop, audio)
        page = visitor.page(f"/idea/{idea['name']}")
        (player,) = page.select("audio")
        assert player["preload"] == "none"
        assert player["src"] == audio
        assert audio in hrefs(page, ".marathon-summary")

    def test_a_recording_elsewhere_is_a_link(
        self, visitor: Reader, workshop: dict[str, Any]
    ) -> None:
        idea = self.summarised(workshop, "https://radio.example.gt/idea.mp3")
        page = visitor.page(f"/idea/{idea['name']}")
        assert not page.select("audio")
        assert "https://radio.example.gt/idea.mp3" in hrefs(page, ".marathon-summary")


class TestSharing:
    @pytest.fixture
    @remembered
    def dataset(self, idea: dict[str, Any]) -> dict[str, Any]:
        return MarathonDataset(idea=[idea["id"]], title="Leaks of 2017", notes="By *sector*.")

    def test_each_page_has_title_description_and_card(
        self,
        visitor: Reader,
        idea: dict[str, Any],
        workshop: dict[str, Any],
        dataset: dict[str, Any],
    ) -> None:
        for thing, words in [
            (idea, "“Map of leaks” was proposed in “Marathon of May”"),
            (workshop, "test workshop" if not workshop.get("notes") else workshop["notes"][:20]),
            (dataset, "By sector."),
        ]:
            page = visitor.page(f"/{thing['type']}/{thing['name']}?utm=1")
            card = {
                str(each.get("property") or each.get("name")): str(each["content"])
                for each in page.select("meta[content]")
            }
            assert thing["title"] in str(page.title)
            assert card["og:title"].startswith(thing["title"])
            assert len(page.select('meta[property="og:title"]')) == 1
            assert words in card["description"] == card["og:description"]
            (canonical,) = page.select('link[rel="canonical"]')
            assert str(canonical["href"]).endswith(f"/{thing['type']}/{thing['name']}")
            assert card["og:url"] == canonical["href"]

    def test_the_canonical_address_has_no_default_language(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        def canonical(path: str) -> str:
            return str(visitor.page(path).select('link[rel="canonical"]')[0]["href"])

        path = f"/idea/{idea['name']}"
        assert canonical(f"/en{path}") == canonical(path)
        assert canonical(f"/es{path}").endswith(f"/es{path}")

    def test_sharing_uses_plain_links(
        self, visitor: Reader, idea: dict[str, Any], dataset: dict[str, Any]
    ) -> None:
        for letter, thing in (("i", idea), ("d", dataset)):
            page = visitor.page(f"/{thing['type']}/{thing['name']}")
            (field,) = page.select("#share input[readonly]")
            short = f"/{letter}/{thing['id'][:8]}"
            assert str(field["value"]).endswith(short)
            (whatsapp,) = page.select('#share a[href^="https://wa.me/?text="]')
            assert whatsapp["rel"] == ["noopener", "noreferrer"]
            assert short.replace("/", "%2F") in str(whatsapp["href"])
            assert not page.select('script[src*="wa.me"], img[src*="://wa.me"]')
            assert f"/{thing['type']}/{thing['name']}/poster" in hrefs(page, "#share")

    @pytest.mark.parametrize("hidden", [{"private": True}, {"state": "draft"}])
    def test_a_private_idea_has_no_sharing_links_and_feeds(
        self, editor: Reader, idea: dict[str, Any], hidden: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=idea["id"], **hidden)
        page = editor.page(f"/idea/{idea['name']}")
        assert not page.select("#share, #follow, #programs")
        assert not page.select('link[rel="alternate"][type="application/atom+xml"]')


def test_hostile_texts_are_escaped(visitor: Reader, villa_nueva: dict[str, Any]) -> None:
    workshop = Workshop(owner_org=villa_nueva["id"], municipality=["0115"], title=HOSTILE)
    idea = Idea(
        workshop=workshop["id"],
        title=HOSTILE,
        notes=HOSTILE,
        community=[HOSTILE],
        data_need=[{"what": HOSTILE, "why": HOSTILE}],
        summary=[{"lang": KICHE, "text": HOSTILE}],
    )
    dataset = MarathonDataset(idea=[idea["id"]], title=HOSTILE, notes=HOSTILE)
    for thing in (workshop, idea, dataset):
        path = f"/{thing['type']}/{thing['name']}"
        for page in (visitor.page(path), visitor.page(f"{path}/poster")):
            assert not [
                each for each in page.select("script:not([type])") if "alert(1)" in each.text
            ]
            assert "alert(1)" in page.text
