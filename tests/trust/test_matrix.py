"""Everybody may do what docs/permission-matrix.md says, with every action, and nothing else."""

from __future__ import annotations

import os, time, json, collections
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.trust import calls, matrix
from tests.trust.furnish import furnish, give_storage
from tests.trust.secrets import build, may_see

SETTINGS = (
    "ckan.auth.user_create_organizations",
    "ckan.auth.user_delete_organizations",
    "ckan.auth.user_create_groups",
    "ckan.auth.public_user_details",
    "ckan.auth.create_user_via_web",
)
PLUGINS = (
    "marathon_site marathon activity scheming_datasets scheming_organizations dcat "
    "structured_data croissant text_view resource_proxy"
)


@pytest.fixture
def strict_settings(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.setitem(ckan_config, name, False)


@pytest.fixture
def caller(storage: Any, marathon_site: None, strict_settings: None, migrate_db_for: Callable[[str], None], app: Any) -> matrix.Caller:
    migrate_db_for("activity")
    give_storage(storage)
    world = build()
    furnish(world)
    return matrix.Caller(app, world)


@pytest.mark.ckan_config("ckan.plugins", PLUGINS)
def test_draft(caller: matrix.Caller, app: Any) -> None:
    found = {}
    log = open("/tmp/matrix.log", "w")
    todo = {"actions": list(calls.action_calls()), "pages": sorted(calls.address_calls(app), key=lambda c: c.method)}
    for part, several in todo.items():
        if os.environ.get("PART", part) != part: continue
        several = [c for c in several if os.environ.get("ONLY", "") in c.name]
        start = time.time(); n = 0
        for call in several:
            if call.record and call.record[1] == "draft": continue
            same = {"U": "OE", "CM": "OE", "MA": "ME", "CA": "CE"} if call.record else {}
            sensitive = any(x in call.path for x in ("/organization/", "/group/", "/user/", "/marathon/", "/agenda/inv", "/ckan-admin", "/dashboard", "/file", "/api/", "/new")) or call.method == "POST"
            if not call.record and (not sensitive or "catalog" in call.path or "data" in call.path):
                same = {c: "–" for c in matrix.COLUMNS if c not in ("–", "OE")}
            for column, person in matrix.COLUMNS.items():
                if column in same: found.setdefault((call.name, call.on), {})[column] = "?" + same[column]; continue
                try:
                    t0 = time.time()
                    answer = caller.ask(call, person)
                    n += 1
                    if time.time() - t0 > 1: print("SLOW", call.name, call.on, person, time.time()-t0, file=log)
                except Exception as e:
                    print("ERROR", call.name, call.on, person, repr(e)[:600], file=log, flush=True)
                    found.setdefault((call.name, call.on), {})[column] = "ERR"
                    continue
                found.setdefault((call.name, call.on), {})[column] = answer.outcome
                if answer.leaks: print("LEAK", call.name, call.on, person, answer.leaks, file=log)
                if person == "sysadmin" and answer.outcome != "✓":
                    print("SA", call.name, call.on, answer.text[:100], answer.text.partition("\n")[2][-500:] if call.is_action else "", file=log)
                if column == "OE" and call.record and not may_see(person, *call.record):
                    try:
                        if d := caller.differs(call, person, answer):
                            print("DIFF", call.name, call.on, person, d, file=log)
                    except Exception as e: print("ERROR", call.name, call.on, person, "unknown", repr(e)[:600], file=log, flush=True)
                    log.flush()
            for c, v in found[call.name, call.on].items():
                if v.startswith("?"): found[call.name, call.on][c] = found[call.name, call.on][v[1:]]
            json.dump([[*k, v] for k, v in found.items()], open(f"/tmp/found-{part}.json", "w"))
        print("TIME", part, n, time.time() - start, file=log, flush=True)
    if os.environ.get("WRITE"): matrix.write_table(found)
    else: print("\n".join(matrix.rows_of(found)), file=log)
