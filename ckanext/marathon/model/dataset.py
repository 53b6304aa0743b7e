"""Datasets: their first publication, their original IRIs, and counts of incomplete ones.

The time of the plugin's installation is stored, because a dataset that is older need not name an
idea. The first publication is read from the feed's log.

Original IRIs are those of datasets from other catalogues. Only a harvest writes them, and the
migration of datasets that the site had before the plugin. A value that somebody types into ``uri``
is not stored here and is not used as an IRI.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon import visibility
from ckanext.marathon.domain.dates import Period
from ckanext.marathon.model import feed_log, link
from ckanext.marathon.model.clock import get_utc_now
from ckanext.marathon.model.link import PACKAGE, Link, Predicate
from ckanext.marathon.records import DATASET, Dataset, Fields, Resource
from ckanext.marathon.vocabulary.codes import fold_text


class Installation(tk.BaseModel):
    """The time of installation; the table has one row."""

    __tablename__ = "marathon_installation"

    singleton: Mapped[bool] = mapped_column(
        sa.Boolean, sa.CheckConstraint("singleton"), primary_key=True, default=True
    )
    installed_at: Mapped[datetime] = mapped_column(sa.DateTime)


def read_installation_time() -> datetime:
    """Return when the plugin was installed, in UTC without an offset (as ``metadata_created``).

    The migration writes it. If the row is missing, the present time is written, so that existing
    datasets need not name an idea.
    """
    query = sa.select(Installation.installed_at)
    found = model.Session.scalar(query)
    if found is None:
        model.Session.execute(
            insert(Installation)
            .values(singleton=True, installed_at=get_utc_now())
            .on_conflict_do_nothing()
        )
        found = model.Session.execute(query).scalar_one()
    return found


_group: Any = model.Group


class Publication(NamedTuple):
    """A dataset, the title of its organisation, and when it was published for the first time."""

    dataset: Dataset
    organization: str
    at: datetime


@dataclass(frozen=True)
class Published:
    """The number of datasets, the number of examples among them, and the latest datasets."""

    count: int = 0
    examples: int = 0
    latest: tuple[Publication, ...] = ()


def list_published_datasets(
    period: Period, municipality: str = "", limit: int | None = None
) -> Published:
    """Return the public datasets that were published in a period, the newest first.

    Args:
        period: days in Guatemala.
        municipality: code of a municipality, "" for the whole country.
        limit: the maximum number of datasets in ``latest``; all are counted.
    """
    published = _select_published(period, municipality).subquery("published")
    is_published = published.c.thing == PACKAGE.id
    # A query of its own: to count and list in one query, the database would sort all datasets.
    count, examples = model.Session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(PACKAGE.extras["example"].astext == "true"),
        ).join_from(published, PACKAGE, is_published)
    ).one()
    query = (
        sa.select(
            PACKAGE.id,
            PACKAGE.name,
            PACKAGE.title,
            _group.title.label("organization"),
            published.c.first_published.label("at"),
            PACKAGE.extras,
        )
        .join_from(published, PACKAGE, is_published)
        .outerjoin(model.Group, _group.id == PACKAGE.owner_org)
        .order_by(published.c.first_published.desc(), PACKAGE.id)
        .limit(limit)
    )
    rows: Any = model.Session.execute(query)
    latest = [Publication(Dataset.from_stored(row), row.organization or "", row.at) for row in rows]
    return Published(count, examples, tuple(latest))


def _select_published(period: Period, municipality: str) -> sa.Select[Any]:
    """Select ``thing`` and ``first_published`` of the public datasets of a period."""
    scope = f"{link.MUNICIPALITY}/{municipality}" if municipality else ""
    published = feed_log.select_public_datasets(scope).subquery("public")
    query = sa.select(published).where(published.c.first_published < period.ends)
    if period.starts is None:
        return query
    return query.where(published.c.first_published >= period.starts)


def count_published_by_municipality(period: Period) -> dict[str, int]:
    """Return code → number of datasets published in a period, in each of their municipalities."""
    return feed_log.count_public_datasets_by_code(link.MUNICIPALITY, period.starts, period.ends)


def count_published_by_problem(period: Period, municipality: str) -> dict[str, int]:
    """Return notation → number of datasets of a municipality published in a period."""
    of_ideas = link.select_links(Predicate.IDEA_PROBLEM)
    about = sa.union_all(
        link.select_links(Predicate.DATASET_PROBLEM),
        link.select_inherited_links(Predicate.DATASET_IDEA, of_ideas, Predicate.DATASET_PROBLEM),
    ).subquery("about")
    published = _select_published(period, municipality).subquery("published")
    ids = sa.select(published.c.thing)
    pairs = (
        sa.select(about.c.subject, about.c.object).where(about.c.subject.in_(ids)).distinct()
    ).subquery("pairs")
    query = sa.select(pairs.c.object, sa.func.count()).group_by(pairs.c.object)
    return dict(model.Session.execute(query).tuples().all())


def select_needs_met_before(before: datetime) -> sa.Select[tuple[str]]:
    """Select the ids of data needs that are met by datasets published before a given time."""
    published = feed_log.select_public_datasets().subquery("published")
    return (
        sa.select(Link.object)
        .join(published, published.c.thing == Link.subject)
        .where(
            Link.predicate == str(Predicate.DATASET_DATA_NEED),
            published.c.first_published < before,
        )
    )


class KeptIri(tk.BaseModel):
    """The original IRI of a dataset or file from another catalogue.

    Attributes:
        thing: id of the dataset or resource.
        package_id: id of the dataset, also if ``thing`` is one of its resources.
    """

    __tablename__ = "marathon_kept_iri"

    iri: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    thing: Mapped[str] = mapped_column(sa.UnicodeText, unique=True)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)


def read_kept_iris(package_ids: Collection[str]) -> dict[str, str]:
    """Return id → original IRI of these datasets and of their resources."""
    if not package_ids:
        return {}
    query = sa.select(KeptIri.thing, KeptIri.iri).where(KeptIri.package_id.in_(list(package_ids)))
    return dict(model.Session.execute(query).tuples().all())


def read_kept_iris_of_datasets() -> dict[str, str]:
    """Return id → original IRI of all datasets that have one."""
    query = sa.select(KeptIri.thing, KeptIri.iri).where(KeptIri.thing == KeptIri.package_id)
    return dict(model.Session.execute(query).tuples().all())


def claim_iri(iri: str, thing: str, package_id: str) -> bool:
    """Give a dataset or resource an original IRI in place of its former one; commits nothing.

    An IRI that another active dataset or resource has cannot be claimed; that of a deleted one can.

    Returns:
        whether the dataset or resource has the IRI now; otherwise nothing was changed.
    """
    values = {"iri": iri, "thing": thing, "package_id": package_id}
    with model.Session.begin_nested() as attempt:
        connection = model.Session.connection()
        connection.execute(_RELEASE, values)
        taken = connection.execute(_TAKE, values).rowcount > 0
        if not taken:
            attempt.rollback()
    return taken


_RELEASE = sa.text("DELETE FROM marathon_kept_iri WHERE thing = :thing AND iri <> :iri")
# Of two concurrent claims, the second waits for the first's commit.
_TAKE = sa.text(
    """
    INSERT INTO marathon_kept_iri AS kept (iri, thing, package_id)
    VALUES (:iri, :thing, :package_id)
    ON CONFLICT (iri) DO UPDATE SET thing = excluded.thing, package_id = excluded.package_id
    WHERE kept.thing = excluded.thing OR NOT EXISTS (
        SELECT FROM package WHERE package.id = kept.package_id AND package.state = 'active' AND (
            kept.thing = kept.package_id OR EXISTS (
                SELECT FROM resource WHERE resource.id = kept.thing AND resource.state = 'active'
            )
        )
    )
    """
)


_organization: Any = model.Group
# CKAN's id for a licence that nobody stated.
_NOT_STATED = ("", "notspecified")
_IS_PUBLIC_DATASET = sa.and_(visibility.filter_public(PACKAGE), PACKAGE.type == "dataset")


def count_datasets_without_licence() -> int:
    """Return the number of public datasets without a licence."""
    # The licence of another catalogue that CKAN does not have, as text.
    in_words = sa.func.coalesce(PACKAGE.extras["license_text"].astext, "")
    query = sa.select(sa.func.count()).where(
        _IS_PUBLIC_DATASET,
        sa.func.coalesce(PACKAGE.license_id, "").in_(_NOT_STATED),
        in_words == "",
    )
    return model.Session.scalar(query) or 0


def count_organizations_without_contact() -> int:
    """Return the number of organisations with public datasets and no contact e-mail address."""
    owners = sa.select(PACKAGE.owner_org).where(_IS_PUBLIC_DATASET)
    query = sa.select(sa.func.count()).where(
        visibility.filter_public_organizations(_organization),
        _organization.id.in_(owners),
        sa.func.coalesce(_organization.extras["contact_email"].astext, "") == "",
    )
    return model.Session.scalar(query) or 0


class UpdateFacts(NamedTuple):
    """What says whether a public dataset is up to date by its own frequency.

    Attributes:
        stated: dates of change as they were typed, of the dataset and of its files.
        saved: times at which its files were stored, in UTC and without an offset.
        created: when the dataset was created, the same.
        has_uploads: whether a file of it is stored on this site.
    """

    id: str
    name: str
    title: str
    frequency: str
    stated: tuple[str, ...]
    saved: tuple[datetime, ...]
    created: datetime
    has_uploads: bool


def list_update_facts(organizations: Collection[str]) -> list[UpdateFacts]:
    """Return the public datasets of organisations (ids) that have a frequency, by title.

    ``domain/dataset.py`` has the rule which of them are overdue.
    """
    if not organizations:
        return []
    frequency = sa.func.coalesce(PACKAGE.extras["frequency"].astext, "")
    modified = PACKAGE.extras["modified"].astext
    datasets = model.Session.execute(
        sa.select(
            PACKAGE.id, PACKAGE.name, PACKAGE.title, frequency, modified, PACKAGE.metadata_created
        )
        .where(
            _IS_PUBLIC_DATASET,
            PACKAGE.owner_org.in_(organizations),
            frequency != "",
        )
        .order_by(PACKAGE.title, PACKAGE.id)
    ).all()
    files: dict[str, list[Resource]] = defaultdict(list)
    resource = model.Resource
    for row in model.Session.scalars(
        sa.select(resource).where(
            resource.package_id.in_([dataset.id for dataset in datasets]),
            resource.state == model.State.ACTIVE,
        )
    ):
        fields = Fields.of_stored(row, "id", "created", "last_modified", "url_type")
        files[str(row.package_id)].append(Resource.read_resource(fields))
    return [
        UpdateFacts(
            id=id_,
            name=name,
            title=title or name,
            frequency=stated_frequency,
            stated=tuple(filter(None, [stated, *(file.modified for file in files[id_])])),
            saved=tuple(
                moment for file in files[id_] if (moment := file.saved_at or file.created_at)
            ),
            created=created,
            has_uploads=any(file.url_type == "upload" for file in files[id_]),
        )
        for id_, name, title, stated_frequency, stated, created in datasets
    ]


def find_same_title(title: str, organization_id: str) -> list[model.Package]:
    """Return the datasets of an organisation with this title, but for case, accents and signs."""
    wanted = fold_text(title)
    if not wanted:
        return []
    package: Any = model.Package
    query = sa.select(package).where(
        package.owner_org == organization_id,
        package.type == DATASET,
        package.state == model.State.ACTIVE,
    )
    return [one for one in model.Session.scalars(query) if fold_text(one.title or "") == wanted]
