"""The help of actions: CKAN's own, then the additions of plugins."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest
from ckan import logic
from ckan.logic.action import get
from ckan.tests.helpers import call_action

from ckanext.marathon.logic.action import collect_actions

pytestmark = pytest.mark.usefixtures("marathon_site")


def test_no_help_is_that_of_functools_partial() -> None:
    for name in sorted(collect_actions()):
        text = call_action("help_show", name=name)
        assert text, name
        assert "partial(" not in text, name


def test_a_chained_action_has_ckans_help_and_then_the_plugins() -> None:
    text = call_action("help_show", name="package_search")
    assert text.startswith("Searches for packages satisfying a given search criteria.")
    assert text.endswith("at a parameter of a type on which CKAN raises.")


def test_the_help_of_an_unchained_action_is_ckans() -> None:
    assert call_action("help_show", name="status_show") == get.status_show.__doc__


def test_the_help_of_an_unknown_action_is_not_found() -> None:
    with pytest.raises(logic.NotFound):
        call_action("help_show", name="no_such_action")
    with pytest.raises(tk.ValidationError):
        call_action("help_show")
