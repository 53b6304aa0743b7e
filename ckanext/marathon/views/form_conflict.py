"""Two people edit one record: the second is told, sees both versions and chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ckanext.marathon.domain import versions
from ckanext.marathon.domain.versions import Difference, Fingerprint
from ckanext.marathon.logic.edits import LastSave

Values = dict[str, Any]
# What a person chooses for a field; anything else is their own.
THEIRS, BOTH = "theirs", "both"


@dataclass(frozen=True)
class Conflict:
    """What a page shows of it.

    Attributes:
        last: when the others saved, and who.
        contested: fields that both changed, for the person to choose.
        taken: fields that only the others changed; the form already shows theirs.
        version: for the form's hidden input: what the person has now been shown.
    """

    last: LastSave
    contested: list[Difference]
    taken: list[Difference]
    version: str
    added: Mapping[str, str] = field(default_factory=dict)


def make_version(comparable: Mapping[str, Any]) -> str:
    """Return what a form sends back so that a save by somebody else is noticed."""
    return versions.write_fingerprint(versions.make_fingerprint(comparable))


def apply_choices(values: Values, own: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Put what the person chose at an earlier conflict into the form's values, in place.

    Args:
        values: as they were typed.
        own: the form's own inputs: ``form_keep`` says of each contested field whose value is kept,
            ``form_added`` which members of a list others had added.
        stored: the record as the form would have to send it.
    """
    keep, added = own["form_keep"], own["form_added"]
    for name, choice in keep.items():
        if name not in stored:
            continue
        if choice == THEIRS:
            values[name] = stored[name]
        elif choice == BOTH:
            wanted = str(added.get(name) or "").split(",")
            values[name] = _merge(values.get(name), wanted, stored[name])


def find_conflict(
    sent_version: Any,
    theirs: Mapping[str, Any],
    read_mine: Callable[[], Mapping[str, Any]],
    find_last_save: Callable[[], LastSave],
) -> Conflict | None:
    """Return the conflict of a form with what was saved since it was opened.

    Args:
        sent_version: the form's hidden input; a program that sends none is not held up.
        theirs: the record's fields as they are stored now, under a lock.
        read_mine: returns the fields as the form would store them; asked only if it matters.
        find_last_save: returns who saved; asked only if there is a conflict.

    Returns:
        ``None`` if nobody saved meanwhile, or nothing that differs from the form.
    """
    base = versions.read_fingerprint(sent_version) if isinstance(sent_version, str) else None
    now: Fingerprint = versions.make_fingerprint(theirs)
    if base is None or base == now:
        return None
    differences = versions.compare_versions(base, read_mine(), theirs)
    if not differences:
        return None
    contested = [difference for difference in differences if difference.is_contested]
    return Conflict(
        last=find_last_save(),
        contested=contested,
        taken=[difference for difference in differences if not difference.is_contested],
        version=versions.write_fingerprint(now),
        added={
            difference.field: ",".join(
                versions.compute_digest(member) for member in difference.added
            )
            for difference in contested
            if difference.added
        },
    )


def _merge(mine: Any, wanted: list[str], stored: Any) -> Any:
    if isinstance(stored, str):
        # Tags, which the form holds as one text.
        tags = [tag.strip() for tag in stored.split(",")]
        own = [tag.strip() for tag in str(mine or "").split(",") if tag.strip()]
        return ", ".join(versions.merge_members(own, wanted, tags))
    own = [mine] if isinstance(mine, str) and mine else list(mine or [])
    return versions.merge_members(own, wanted, stored or [])
