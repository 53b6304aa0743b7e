"""The witness file, by which a process detects that published changes were lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ckan import model

from ckanext.marathon.feeds import log_state
from ckanext.marathon.feeds.log_state import Witness
from ckanext.marathon.model import clock
from tests import factories

from .conftest import Log


@pytest.fixture
def last(feed: Log, ckan_config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Witness:
    """The last change of a site, of which its note tells."""
    monkeypatch.setitem(ckan_config, "ckan.storage_path", str(tmp_path))
    factories.MarathonDataset()
    now = clock.read_clock()
    found = Witness(now.number, now.mark)
    assert log_state.read_witness() == found
    return found


def test_a_change_in_the_log_is_not_lost(last: Witness) -> None:
    assert log_state.find_lost_change() is None
    assert log_state.begin_epoch_after_loss() is False


@pytest.mark.parametrize("further", [0, 7])
def test_a_change_is_lost_if_its_number_is_missing_or_has_another_mark(
    last: Witness, further: int
) -> None:
    lost = Witness(last.number + further, last.mark ^ 1)
    log_state.write_witness(lost)
    assert log_state.find_lost_change() == lost
    assert log_state.find_unanswered_loss() == lost


def test_one_loss_begins_one_epoch(last: Witness) -> None:
    """Also if the witness file cannot be written and still has the lost change."""
    lost = Witness(last.number, last.mark ^ 1)
    log_state.write_witness(lost)
    epoch = clock.read_clock().epoch
    assert log_state.begin_epoch_after_loss() is True
    model.Session.expire_all()
    began = clock.read_clock().epoch
    assert began != epoch
    log_state.write_witness(lost)
    assert log_state.find_lost_change() == lost
    assert log_state.find_unanswered_loss() is None
    assert log_state.begin_epoch_after_loss() is False
    assert clock.read_clock().epoch == began
