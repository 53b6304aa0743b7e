"""Short addresses always lead to the same record: as text, as QR code and on a poster."""

from __future__ import annotations

import io
from typing import Any

import pytest
import segno
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.marathon.model import feed_log, package
from tests.factories import Idea, MarathonDataset, Workshop
from tests.remembered import remembered

from .conftest import Reader
from .test_pages import texts

pytestmark = pytest.mark.usefixtures("marathon_site")

FIRST = "0a1b2c3d-0000-4000-8000-000000000001"
SECOND = "0a1b2c3d-ffff-4000-8000-000000000002"

# table → the columns of 5,000 more rows, made from the row of an idea.
_COPIES = {
    "marathon_feed_entry": """
        INSERT INTO marathon_feed_entry (iri, kind, thing, refs, degraded, changed)
        SELECT iri || n, kind, gen_random_uuid(), refs, degraded, changed
        FROM marathon_feed_entry, generate_series(1, 5000) AS n WHERE thing = :id
    """,
    "package": """
        INSERT INTO package (id, name, type, state, private, metadata_created, metadata_modified)
        SELECT gen_random_uuid(), name || n, type, state, private, metadata_created,
               metadata_modified
        FROM package, generate_series(1, 5000) AS n WHERE id = :id
    """,
}


@pytest.fixture
@remembered
def idea() -> dict[str, Any]:
    return Idea(title="Map of leaks")


class TestAddress:
    def test_the_letter_of_each_type_redirects_to_its_record(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        dataset = MarathonDataset(idea=[idea["id"]])
        workshop = call_action("package_show", id=idea["workshop"])
        for letter, thing in (("i", idea), ("w", workshop), ("d", dataset)):
            answer = visitor.get(f"/{letter}/{thing['id'][:8]}")
            assert answer.status_code == 302
            assert answer.location.endswith(f"/{thing['type']}/{thing['name']}")

    def test_a_short_address_follows_a_renamed_record_and_keeps_the_language(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        call_action("package_patch", id=idea["id"], name="water-for-all")
        code = idea["id"][:8]
        assert visitor.get(f"/es/i/{code}").location.endswith("/es/idea/water-for-all")
        assert visitor.get(f"/i/{code.upper()}").location.endswith("/idea/water-for-all")

    @pytest.mark.parametrize("code", ["zzzzzzzz", "0a1b2c3", "0a1b2c3%25", "%00", "0a1b2c3d", "_"])
    def test_unknown_and_malformed_short_addresses_get_404_or_400(
        self, visitor: Reader, code: str
    ) -> None:
        for path in (f"/i/{code}", f"/i/{code}.svg", f"/d/{code}"):
            assert visitor.get(path).status_code in {400, 404}, path

    def test_the_letter_of_another_type_gets_404(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        assert visitor.get(f"/d/{idea['id'][:8]}").status_code == 404

    def test_a_private_record_gets_404_and_a_withdrawn_one_410(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        hidden = Idea(workshop=idea["workshop"], private=True)
        assert visitor.get(f"/i/{hidden['id'][:8]}").status_code == 404
        assert visitor.get(f"/idea/{hidden['name']}/poster").status_code == 404
        call_action("package_patch", id=idea["id"], private=True)
        for path in (f"/i/{idea['id'][:8]}", f"/i/{idea['id'][:8]}.svg"):
            assert visitor.get(path).status_code == 410
        assert visitor.get(f"/idea/{idea['name']}/poster").status_code == 410

    def test_of_two_ids_with_the_same_beginning_the_first_published_has_the_short_address(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        late = Idea(workshop=idea["workshop"], id=SECOND, private=True)
        first = Idea(workshop=idea["workshop"], id=FIRST)
        call_action("package_patch", id=late["id"], private=False)
        assert package.shorten_id("idea", first["id"]) == "0a1b2c3d"
        assert package.shorten_id("idea", late["id"]) == "0a1b2c3dffff"
        assert visitor.get("/i/0a1b2c3d").location.endswith(first["name"])
        assert visitor.get("/i/0a1b2c3dffff").location.endswith(late["name"])
        call_action("package_delete", id=first["id"])
        assert visitor.get("/i/0a1b2c3d").status_code == 410
        assert package.shorten_id("idea", late["id"]) == "0a1b2c3dffff"

    def test_short_addresses_work_with_an_empty_log(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        model.Session.execute(sa.text("DELETE FROM marathon_feed_entry"))
        model.Session.commit()
        assert visitor.get(f"/i/{idea['id'][:8]}").status_code == 302
        assert package.shorten_id("idea", idea["id"]) == idea["id"][:8]

    def test_an_id_that_is_no_uuid_has_no_short_address(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        call_action("package_show", id=idea["id"])
        assert package.shorten_id("idea", "an-id-of-their-own") == ""

    @pytest.mark.parametrize("table", list(_COPIES))
    def test_the_query_uses_an_index(self, idea: dict[str, Any], table: str) -> None:
        statement = (
            package._unlogged if table == "package" else feed_log.select_records_by_beginning
        )
        connection = model.Session.connection()
        # As many as make a difference to the planner.
        connection.execute(sa.text(_COPIES[table]), {"id": idea["id"]})
        connection.execute(sa.text(f"ANALYZE {table}"))
        query = statement("idea", "0a1b2c3d").compile(
            connection, compile_kwargs={"literal_binds": True}
        )
        plan = connection.exec_driver_sql(f"EXPLAIN {query}".replace("%", "%%")).scalars().all()
        model.Session.rollback()
        text = "\n".join(plan)
        assert "'0a1b2c3dg'" in text.partition("Index Cond:")[2].partition("\n")[0], text


class TestCode:
    def test_the_qr_code_has_the_short_address_and_may_be_cached(
        self, visitor: Reader, idea: dict[str, Any], ckan_config: Any
    ) -> None:
        code = idea["id"][:8]
        answer = visitor.get(f"/i/{code}.svg")
        assert answer.status_code == 200
        assert answer.content_type == "image/svg+xml"
        assert answer.cache_control.public
        address = f"{ckan_config['ckan.site_url']}/i/{code}"
        expected = io.BytesIO()
        look = {"border": 4, "omitsize": True, "light": "#fff", "xmldecl": False}
        made = segno.make(address, error="q", micro=False)
        made.save(expected, kind="svg", title=address, **look)
        assert answer.body.encode() == expected.getvalue()
        again = visitor.get(f"/i/{code}.svg", **{"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304


class TestPoster:
    def test_a_poster_has_sentence_qr_code_and_address(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        page = visitor.page(f"/idea/{idea['name']}/poster")
        assert texts(page, "h1") == "Map of leaks"
        assert "it has been waiting for a decision" in texts(page, ".poster-words")
        assert f"/i/{idea['id'][:8]}" in texts(page, ".poster-short")
        assert page.select(".poster-qr svg")

    def test_workshops_and_datasets_have_posters(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        workshop = Workshop(
            starts_at="2027-05-27T09:00",
            venue="Town hall",
            rsvp_by="2027-05-20",
            status="announced",
        )
        invited = texts(visitor.page(f"/workshop/{workshop['name']}/poster"), ".poster-words")
        assert "9:00" in invited
        assert "Town hall · Confirm by: May 20, 2027" in invited
        dataset = MarathonDataset(idea=[idea["id"]])
        assert "Map of leaks" in texts(
            visitor.page(f"/dataset/{dataset['name']}/poster"), ".poster-words"
        )

    def test_the_poster_of_an_unknown_record_gets_404(
        self, visitor: Reader, idea: dict[str, Any]
    ) -> None:
        assert visitor.get("/idea/nope/poster").status_code == 404
        assert visitor.get(f"/dataset/{idea['name']}/poster").status_code == 404
