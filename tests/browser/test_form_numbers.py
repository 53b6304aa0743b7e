"""Numbers typed in a form are sent unchanged: accepted with a notice, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import Town, Visit


def write(page: Page, written: str, pasted: bool) -> None:
    """Put a number into the form as a person does, by typing it or from the clipboard."""
    folded = page.locator("details:not([open]):has([name=participants]) > summary")
    if folded.count():
        folded.click()
    box = page.locator("[name=participants]")
    box.fill("")
    box.focus()
    if pasted:
        page.keyboard.insert_text(written)
    else:
        page.keyboard.type(written)
    page.get_by_role("button", name="Guardar los cambios").click()


@pytest.mark.parametrize(("visitor", "pasted"), [("desk", False), ("phone", True)])
def test_a_number_is_sent_as_it_was_typed(
    visitor: str, pasted: bool, town: Town, request: pytest.FixtureRequest
) -> None:
    visit: Visit = request.getfixturevalue(visitor)
    visit.log_in(town.officer)
    page = visit.go(f"/workshop/edit/{town.workshop['name']}")
    # A number input makes 15 of 1,5 and nothing of 12 personas.
    for written, readings in (("1,5", ["15", "1.5"]), ("1.000", ["1", "1000"]), ("12 p", [])):
        write(page, written, pasted)
        error = page.locator("#at-participants .error-block")
        expect(error).to_contain_text(written)
        for reading in readings:
            expect(error).to_contain_text(f" {reading}")
        expect(page.locator("[name=participants]")).to_have_value(written)
    assert not visit.is_wider_than_its_window()
    write(page, "1,000", pasted)
    expect(page.locator(".flash-messages")).to_contain_text("1,000")
    saved: Any = visit.site.action("package_show", {"id": town.workshop["id"], "use_cache": False})
    assert saved["participants"] == 1000
    assert not visit.is_wider_than_its_window()
