"""Importing workbooks: reading their rows, comparing them with the site, saving what differs.

A row is found again by its code within its organisation, so the same file twice changes nothing. An
empty cell leaves the stored value as it is. Rows may refer to each other within the files: an idea
to a workshop, a data need to an idea, a dataset to ideas and needs.

Everything is saved in one transaction by ``logic/bulk.py``. A trial does the same and rolls back,
so that a preview finds the problems that the import would find.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.munge import munge_filename, munge_title_to_name
from ckan.lib.search.common import SearchError, SearchIndexError, SolrConnectionError
from sqlalchemy.exc import DBAPIError

from ckanext.marathon.domain.errors import N_, Fault, Malformed
from ckanext.marathon.domain.texts import is_json_list, is_json_object, list_tags, quote_value
from ckanext.marathon.files import tables
from ckanext.marathon.logic import bulk, messages
from ckanext.marathon.logic import package as package_logic
from ckanext.marathon.model import audit, link, municipality, unit_of_work
from ckanext.marathon.model import importing as ledger
from ckanext.marathon.model import package as package_model
from ckanext.marathon.model.importing import ChangeRow
from ckanext.marathon.model.link import Predicate
from ckanext.marathon.spreadsheets.cells import GivenCell, Value
from ckanext.marathon.spreadsheets.mend import BadRow
from ckanext.marathon.spreadsheets.rows import CellFault, RecordRow, SheetReader
from ckanext.marathon.spreadsheets.workbook import (
    ATTENDANCE,
    DATA_NEEDS,
    DATASETS,
    IDEAS,
    INVITATIONS,
    LISTS,
    WORKSHOPS,
    ValueKind,
    WorkbookColumn,
    WorkbookSheet,
    find_sheet,
    get_sheet,
    is_guide_sheet,
    list_sheets,
    match_headings,
)
from ckanext.marathon.visibility import Viewer, filter_public_organizations
from ckanext.marathon.vocabulary.codes import fold_text, pick_label

CREATED, CHANGED, UNCHANGED, REFUSED = "created", "changed", "unchanged", "refused"
# Rows that are compared with the site at a time, and problems and records that a report lists.
BATCH, MOST_PROBLEMS, MOST_LISTED = 200, 5_000, 1_000
# Rows of a sheet without a known name that are looked at to find its headings.
_FIRST_ROWS = 30
_LONGEST_NAME = 90

NO_CODE = N_("The row has no code. Write one that no other row of the organisation has")
DOUBLED_CODE = N_("The code “{code}” is in row {row}, too. Give one of them another code")
NO_OWNER_KEY = N_("Write the code of the record to which this row belongs")
NO_RECORD = N_("Nothing in this file or on the site has the code “{code}”")
FAULTY_RECORD = N_("“{code}” has problems of its own. Correct them first")
NO_ORGANIZATION = N_("No organisation of this site is called “{name}”")
NO_IDENTIFIED = N_("The site has no record with this identifier. Leave the cell empty")
UNKNOWN_LICENCE = N_("“{value}” is not a licence of this site. Choose one of the list")
NO_NEED = N_("None of the ideas of this row has the data need “{value}”")
NO_SHEET = N_(
    "The sheet “{name}” was not read: neither its name nor its headings are those of the template"
)
UNKNOWN_COLUMN = N_("{field}: {message}")


class ImportFile(NamedTuple):
    """A file to import: where it is, and its name for people."""

    path: Path
    name: str


@dataclass(frozen=True)
class ImportOptions:
    """How an import is made.

    Attributes:
        user: name of the person, whose permissions apply.
        organization: id of the organisation of rows that name none; "" for none.
        is_trial: whether everything is rolled back in the end.
        keep_going: whether rows without problems are saved although others have some.
        import_id: the row of the ledger; "" to add one.
    """

    user: str
    organization: str = ""
    is_trial: bool = False
    keep_going: bool = False


class ImportProblem(NamedTuple):
    """A problem or a notice, with its place for people.

    Attributes:
        file: name of the file.
        sheet: name of the sheet, "" in a text file.
        row: number of the row, from 1; 0 for the whole sheet.
        column: letters of the column, "" for the whole row.
        heading: its heading in the file.
        value: the cell as text.
        message: what is wrong and what to do.
    """

    file: str
    sheet: str
    row: int
    column: str
    heading: str
    value: str
    message: str


class ImportedRecord(NamedTuple):
    """A record of an import.

    Attributes:
        outcome: ``created``, ``changed`` or ``unchanged``.
        fields: labels of the changed fields.
    """

    outcome: str
    type: str
    code: str
    title: str
    sheet: str
    row: int
    fields: tuple[str, ...] = ()


@dataclass
class ImportReport:
    """The result of an import.

    Attributes:
        counts: (dataset type, outcome) → number of records.
        problems: what prevents rows from being saved; at most ``MOST_PROBLEMS`` are listed.
        problem_count: number of all problems.
        notices: what was corrected, or not read.
        records: at most ``MOST_LISTED`` of each outcome.
        examples: number of example rows, which are not imported.
        bad_rows: rows that were not saved, if others were.
        import_id: id in the ledger; "" if nothing was saved.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    problems: list[ImportProblem] = field(default_factory=list[ImportProblem])
    problem_count: int = 0
    notices: list[ImportProblem] = field(default_factory=list[ImportProblem])
    records: list[ImportedRecord] = field(default_factory=list[ImportedRecord])
    examples: int = 0
    bad_rows: list[BadRow] = field(default_factory=list[BadRow])
    import_id: str = ""

    def count(self, outcome: str) -> int:
        """Return the number of records with an outcome."""
        return sum(number for (_, found), number in self.counts.items() if found == outcome)

    @property
    def is_saved(self) -> bool:
        """Whether records were created or changed."""
        return bool(self.import_id)


Progress = Callable[[int], None]


def describe_files(files: Sequence[ImportFile]) -> list[dict[str, Any]]:
    """Return name, size in bytes and SHA-256 of files, for the ledger."""
    found: list[dict[str, Any]] = []
    for file in files:
        with file.path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        found.append({"name": file.name, "size": file.path.stat().st_size, "sha256": digest})
    return found


class ImportAborted(Exception):
    """A row was refused while it was saved: the whole transaction is lost."""

    def __init__(self, key: tuple[str, str, int], problem: ImportProblem) -> None:
        super().__init__(problem.message)
        self.key = key
        self.problem = problem


SEARCH_FAULTS = (SearchError, SearchIndexError, SolrConnectionError)


def import_files(
    files: Sequence[ImportFile],
    options: ImportOptions,
    ledger_row: Mapping[str, Any] | None = None,
    progress: Progress = lambda rows: None,
) -> ImportReport:
    """Import workbooks, or find what an import would do.

    Args:
        files: they are read in this order.
        options: how.
        ledger_row: ``id``, ``files`` and further values of the import in the ledger; ``None`` for a
            trial.
        progress: called with the number of rows that were looked at.

    Returns:
        the report; nothing was saved if it has problems and ``keep_going`` is not set.
    """
    refused: dict[tuple[str, str, int], ImportProblem] = {}
    while True:
        run = _ImportRun(files, options, refused, progress)
        try:
            with audit.record_as_import():
                return run.run(ledger_row)
        except ImportAborted as aborted:
            model.Session.rollback()
            model.Session.expunge_all()
            refused[aborted.key] = aborted.problem
            if not options.keep_going or len(refused) > MOST_LISTED:
                run.report.problems.append(aborted.problem)
                run.report.problem_count += 1
                run.report.import_id = ""
                return run.report
        except BaseException:
            model.Session.rollback()
            model.Session.expunge_all()
            raise


@dataclass
class _Source:
    """A sheet of a file that is being read."""

    file: str
    name: str
    reader: SheetReader

    @property
    def sheet(self) -> WorkbookSheet:
        return self.reader.sheet


@dataclass
class _ChildRow:
    """A row of a sheet of rows: an invitation, a tick, a data need."""

    source: _Source
    row: RecordRow


@dataclass
class _Known:
    """A record of the files or of the site that others refer to by its code."""

    organization: str = ""
    id: str = ""
    row: int = 0


@dataclass
class _Draft:
    """A record on its way to the site.

    Attributes:
        row: its row; ``None`` if only rows that belong to it are in the files.
        children: field → its rows in other sheets.
        package: the stored record, ``None`` for a new one.
        values: field → value for CKAN's action.
        places: (field, number of a row of it or ``None``) → source and row of the cell.
    """

    type: str
    source: _Source
    row: RecordRow | None
    children: dict[str, list[_ChildRow]]
    package: model.Package | None = None
    organization: str = ""
    code: str = ""
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    rows_from: dict[tuple[str, int], _ChildRow] = field(
        default_factory=dict[tuple[str, int], _ChildRow]
    )
    faults: list[ImportProblem] = field(default_factory=list[ImportProblem])
    known: _Known = field(default_factory=_Known)


_CHILD_SHEETS = (INVITATIONS, ATTENDANCE, DATA_NEEDS)
_RECORD_SHEETS = (WORKSHOPS, IDEAS, DATASETS)
_NAMED_BY = {"invitation": "organisation", "data_need": "what"}


class _ImportRun:
    """One pass over the files, in one transaction."""

    def __init__(
        self,
        files: Sequence[ImportFile],
        options: ImportOptions,
        refused: Mapping[tuple[str, str, int], ImportProblem],
        progress: Progress,
    ) -> None:
        self._files = files
        self._options = options
        self._refused = refused
        self._progress = progress
        self._seen = 0
        self.report = ImportReport()
        self._user = model.User.get(options.user)
        self._viewer = Viewer(bulk.make_context(options.user, self._user))
        # Dataset type → folded code → the records of the files that have it.
        self._known: dict[str, dict[str, list[_Known]]] = {}
        self._faulty: dict[str, set[str]] = {}
        self._children: dict[str, dict[str, dict[str, list[_ChildRow]]]] = {}
        self._titles = _index_organizations()
        self._changes: list[ChangeRow] = []
        self._written = 0
        self._ids: dict[str, list[str]] = {"package_create": [], "package_update": []}
        self._numbers: dict[str, int] = {}
        self._is_remarked: set[tuple[str, str]] = set()

    def run(self, ledger_row: Mapping[str, Any] | None) -> ImportReport:
        """Read and save everything; see :func:`import_files`."""
        self._read_children()
        for name in _RECORD_SHEETS:
            self._import_sheet(get_sheet(name), ledger_row)
        self._report_orphans()
        is_refused = bool(self.report.problems) and not self._options.keep_going
        if self._options.is_trial or is_refused or ledger_row is None:
            model.Session.rollback()
            model.Session.expunge_all()
            return self.report
        self._finish(ledger_row)
        return self.report

    # Saving

    def _finish(self, ledger_row: Mapping[str, Any]) -> None:
        created, changed = self._ids["package_create"], self._ids["package_update"]
        ids = [*created, *(id_ for id_ in changed if id_ not in set(created))]
        if not ids:
            model.Session.rollback()
            return
        self.report.import_id = str(ledger_row["id"])
        self._write_changes(self.report.import_id)
        values = {
            "user_id": self._user.id if self._user else "",
            "user_name": self._options.user,
            "organization": self._options.organization,
            "state": ledger.ImportState.DONE,
            "report": summarize_report(self.report),
        }
        if ledger.find_import(self.report.import_id, is_locked=True):
            ledger.change_import(self.report.import_id, **values)
        else:
            ledger.add_import({**ledger_row, **values})
        bulk.mark_for_index(ids)
        try:
            model.repo.commit()
        except tk.ValidationError as error:
            model.Session.rollback()
            self.report.import_id = ""
            for message in flatten_errors(error.error_dict):
                self._add_problem(ImportProblem("", "", 0, "", "", "", message))
            return
        model.Session.expunge_all()
        bulk.index_packages(ids)
        bulk.tell_plugins(bulk.make_context(self._options.user, self._user), self._ids)

    def _write_changes(self, import_id: str) -> None:
        ledger.add_changes(import_id, self._written + 1, self._changes)
        self._written += len(self._changes)
        self._changes = []

    # Reading

    def _open_sheets(self, wanted: Iterable[str]) -> Iterator[tuple[_Source, Iterator[RecordRow]]]:
        """Yield the sheets of the files that are of the wanted kinds, with their rows."""
        names = set(wanted)
        for file in self._files:
            try:
                with tables.open_tables(file.path) as opened:
                    for sheet in opened.sheets:
                        if sheet.is_hidden or is_guide_sheet(sheet.name):
                            continue
                        rows = ((row.number, row.cells) for row in sheet.rows)
                        found = self._identify(file, sheet.name, rows)
                        if found and found[0].name in names:
                            source = _Source(file.name, sheet.name, SheetReader(found[0]))
                            yield source, self._read_rows(source, found[1])
            except Malformed as error:
                if WORKSHOPS in names:
                    message = messages.write_fault(error.fault)
                    self._add_problem(ImportProblem(file.name, "", 0, "", "", "", message))

    def _identify(
        self, file: ImportFile, name: str, rows: Iterator[tuple[int, Sequence[GivenCell]]]
    ) -> tuple[WorkbookSheet, Iterator[tuple[int, Sequence[GivenCell]]]] | None:
        """Return the kind of a sheet, by its name or headings, and its rows."""
        first = list(islice(rows, _FIRST_ROWS))
        found = find_sheet(name or Path(file.name).stem) or _guess_sheet(first)
        if found is None:
            if first and (file.name, name) not in self._is_remarked:
                self._is_remarked.add((file.name, name))
                fault = Fault(NO_SHEET, {"name": name or file.name})
                problem = ImportProblem(file.name, name, 0, "", "", "", messages.write_fault(fault))
                if len(self._files) == 1 and not name:
                    self._add_problem(problem)
                else:
                    self.report.notices.append(problem)
            return None
        return found, chain(first, rows)

    def _read_rows(
        self, source: _Source, rows: Iterator[tuple[int, Sequence[GivenCell]]]
    ) -> Iterator[RecordRow]:
        """Yield the rows of a sheet; what cannot be read becomes a problem."""
        try:
            for row in source.reader.read_rows(rows):
                self._seen += 1
                if self._seen % 50 == 0:
                    self._progress(self._seen)
                for notice in row.notices:
                    self._add_notice(self._describe(source, notice))
                yield row
        except Malformed as error:
            message = messages.write_fault(error.fault)
            self._add_problem(ImportProblem(source.file, source.name, 0, "", "", "", message))
        self.report.examples += source.reader.examples
        for remark in source.reader.remarks:
            self._add_notice(self._describe(source, remark))

    def _describe(self, source: _Source, fault: CellFault) -> ImportProblem:
        place = fault.place
        return ImportProblem(
            source.file,
            source.name,
            place.row,
            "" if place.column is None else tables.name_column(place.column),
            fault.heading,
            fault.value,
            messages.write_fault(fault.fault),
        )

    def _add_notice(self, notice: ImportProblem) -> None:
        if len(self.report.notices) < MOST_LISTED:
            self.report.notices.append(notice)

    def _add_problem(self, problem: ImportProblem) -> None:
        self.report.problem_count += 1
        if len(self.report.problems) < MOST_PROBLEMS:
            self.report.problems.append(problem)

    def _refuse_row(
        self, source: _Source, row: RecordRow, problems: Sequence[ImportProblem]
    ) -> None:
        for problem in problems:
            self._add_problem(problem)
        if self._options.keep_going:
            texts = tuple(problem.message for problem in problems)
            self.report.bad_rows.append(
                BadRow(source.sheet, source.reader.headings, row.cells, texts)
            )

    def _fault(
        self, source: _Source, row: RecordRow, column: str, message: str, /, **values: object
    ) -> ImportProblem:
        return self._describe(source, row.make_fault(column, Fault(message, values)))

    def _read_children(self) -> None:
        """Read the rows that belong to records, by the code of the record."""
        for source, rows in self._open_sheets(_CHILD_SHEETS):
            owner, field_ = source.sheet.owner, source.sheet.rows_of
            by_code = self._children.setdefault(source.sheet.type, {})
            for row in rows:
                problems = [self._describe(source, fault) for fault in row.faults]
                code = row.get_text(owner)
                if not code:
                    problems.append(self._fault(source, row, owner, NO_OWNER_KEY))
                if problems:
                    self._refuse_row(source, row, problems)
                    continue
                child = _ChildRow(source, row)
                by_code.setdefault(fold_code(code), {}).setdefault(field_, []).append(child)

    def _import_sheet(self, sheet: WorkbookSheet, ledger_row: Mapping[str, Any] | None) -> None:
        for source, rows in self._open_sheets([sheet.name]):
            while batch := list(islice(rows, BATCH)):
                self._import_batch(source, batch)
                if ledger_row is not None and not self._options.is_trial:
                    self._write_changes(str(ledger_row["id"]))
                unit_of_work.settle_created()
                model.Session.expunge_all()
                # Names and references are looked up for a batch; the person is needed throughout.
                self._user = model.User.get(self._options.user)
        self._import_children_of_stored(sheet)

    def _import_batch(self, source: _Source, rows: Sequence[RecordRow]) -> None:
        drafts = [self._make_draft(source, row) for row in rows]
        type_ = source.sheet.type
        pairs = {(d.organization, d.code) for d in drafts if d.organization and d.code}
        holders = package_model.find_code_holders(type_, pairs)
        given = {d.row.get_text("id") for d in drafts if d.row} - {""}
        ids = {*holders.values(), *package_model.find_package_ids(given, type_).values()}
        packages = package_model.load_packages(ids)
        for draft in drafts:
            self._find_stored(draft, packages, holders)
            self._import_draft(draft)

    # Finding the record of a row

    def _make_draft(self, source: _Source, row: RecordRow) -> _Draft:
        code = row.get_text("code")
        children = self._take_children(
            source.sheet.type, (code, row.get_text("name"), row.get_text("id"))
        )
        draft = _Draft(source.sheet.type, source, row, children, code=code)
        draft.faults = [self._describe(source, fault) for fault in row.faults]
        key = (source.file, source.name, row.number)
        if key in self._refused:
            draft.faults.append(self._refused[key])
        draft.organization = self._find_organization(draft, row)
        return draft

    def _take_children(self, type_: str, names: Iterable[str]) -> dict[str, list[_ChildRow]]:
        """Return the rows of other sheets that belong to a record with one of these names."""
        found: dict[str, list[_ChildRow]] = {}
        for name in filter(None, names):
            for field_, rows in self._children.get(type_, {}).pop(fold_code(name), {}).items():
                found.setdefault(field_, []).extend(rows)
        return found

    def _find_organization(self, draft: _Draft, row: RecordRow) -> str:
        name = row.get_text("owner_org")
        if name:
            found = self._titles.get(fold_text(name), "") or self._titles.get(name, "")
            if not found:
                fault = self._fault(
                    draft.source, row, "owner_org", NO_ORGANIZATION, name=quote_value(name)
                )
                draft.faults.append(fault)
            return found
        if draft.type == package_model.IDEA:
            return self._find_organization_of_idea(row) or self._options.organization
        return self._options.organization

    def _find_organization_of_idea(self, row: RecordRow) -> str:
        """Return the organisation that an idea gets by the rules of the site."""
        workshop = self._find_reference(package_model.WORKSHOP, row.get_text("workshop"), "")
        codes = row.get_list("municipality")
        package = package_model.load_packages([workshop]).get(workshop) if workshop else None
        if not codes and package is not None:
            codes = package_logic.list_workshop_municipalities(package)
        on_site = municipality.find_municipalities(codes)
        first = next((on_site[code] for code in codes if code in on_site), "")
        return first or (package.owner_org or "" if package is not None else "")

    def _find_stored(
        self,
        draft: _Draft,
        packages: Mapping[str, model.Package],
        holders: Mapping[tuple[str, str], str],
    ) -> None:
        row = draft.row
        assert row is not None
        id_ = row.get_text("id")
        if id_:
            draft.package = packages.get(id_)
            may_restore = self._viewer.is_sysadmin
            if draft.package is None and not may_restore:
                draft.faults.append(self._fault(draft.source, row, "id", NO_IDENTIFIED))
        if draft.package is None and draft.code:
            draft.package = packages.get(holders.get((draft.organization, draft.code), ""))
        if draft.package is not None and not self._viewer.may_see(draft.package):
            draft.package = None
        if draft.package is None and not draft.code and not id_:
            draft.faults.append(self._fault(draft.source, row, "code", NO_CODE))
        draft.known.organization, draft.known.row = draft.organization, row.number
        if draft.package is not None:
            draft.known.id = draft.package.id
        by_name = self._known.setdefault(draft.type, {})
        if draft.code:
            known = by_name.setdefault(fold_code(draft.code), [])
            same = [other for other in known if other.organization == draft.organization]
            if same:
                values: dict[str, object] = {"code": draft.code, "row": same[0].row}
                draft.faults.append(self._fault(draft.source, row, "code", DOUBLED_CODE, **values))
            known.append(draft.known)
        if name := row.get_text("name"):
            by_name.setdefault(fold_code(name), []).append(draft.known)

    def _find_reference(self, type_: str, reference: str, organization: str) -> str:
        """Return the id of a record of the files or of the site; "" if there is none.

        Records of the files come before those of the site, and those of the organisation before
        others.
        """
        if not reference:
            return ""
        known = self._known.get(type_, {}).get(fold_code(reference), [])
        nearest = [each for each in known if each.organization == organization] or known
        if nearest:
            return nearest[0].id
        found = package_model.find_packages_with_code(type_, reference)
        visible = [package for package in found if self._viewer.may_see(package)]
        own = [
            package
            for package in visible
            if package.owner_org in (organization, self._options.organization)
        ]
        if chosen := own or (visible if len(visible) == 1 else []):
            return chosen[0].id
        return package_model.find_package_ids([reference], type_).get(reference, "")

    # Comparing and saving

    def _import_children_of_stored(self, sheet: WorkbookSheet) -> None:
        """Import rows that belong to records of the site that are not in the files."""
        for fields in list(self._children.get(sheet.type, {}).values()):
            first = next(iter(fields.values()))[0]
            code = first.row.get_text(first.source.sheet.owner)
            id_ = self._find_reference(sheet.type, code, self._options.organization)
            package = package_model.load_packages([id_]).get(id_) if id_ else None
            if package is None or not self._viewer.may_see(package):
                continue
            self._children[sheet.type].pop(fold_code(code), None)
            draft = _Draft(sheet.type, first.source, None, fields, package)
            draft.organization, draft.code = package.owner_org or "", code
            self._import_draft(draft)

    def _report_orphans(self) -> None:
        """Report rows that belong to no record of the files or the site."""
        for type_, by_code in self._children.items():
            for code, fields in by_code.items():
                is_faulty = code in self._faulty.get(type_, set())
                message = FAULTY_RECORD if is_faulty else NO_RECORD
                for child in chain.from_iterable(fields.values()):
                    owner = child.source.sheet.owner
                    given = quote_value(child.row.get_text(owner))
                    problem = self._fault(child.source, child.row, owner, message, code=given)
                    self._refuse_row(child.source, child.row, [problem])

    def _import_draft(self, draft: _Draft) -> None:
        if not draft.faults:
            self._compare(draft)
        if not draft.faults:
            self._save(draft)
        if draft.faults:
            self._refuse_draft(draft)

    def _refuse_draft(self, draft: _Draft) -> None:
        self.report.counts[draft.type, REFUSED] += 1
        self._faulty.setdefault(draft.type, set()).add(fold_code(draft.code))
        if draft.row is not None:
            self._refuse_row(draft.source, draft.row, draft.faults)
        else:
            for problem in draft.faults:
                self._add_problem(problem)
        if self._options.keep_going:
            for child in chain.from_iterable(draft.children.values()):
                self.report.bad_rows.append(
                    BadRow(child.source.sheet, child.source.reader.headings, child.row.cells, ())
                )

    def _compare(self, draft: _Draft) -> None:
        """Set the values that differ from the stored ones."""
        row, stored = draft.row, draft.package
        if row is not None:
            for column in draft.source.sheet.columns:
                if column.name in row.values and not column.subfield:
                    self._compare_column(draft, row, column)
            self._compare_rows_in_cells(draft, row)
        for field_, children in draft.children.items():
            before = package_model.read_stored_rows(stored, field_)
            merged = _merge_children(draft, field_, before, children, self._may_restore_need)
            if merged != before:
                draft.values[field_], draft.before[field_] = merged, before
        if stored is not None and "status" not in draft.values:
            draft.values.pop("status_reason", None)
        if stored is None and row is not None and draft.organization:
            draft.values.setdefault("owner_org", draft.organization)

    def _may_restore_need(self, need: str) -> bool:
        """Return whether a new data need keeps its id of an export."""
        return self._viewer.is_sysadmin and not link.list_subject_pairs(
            [need], Predicate.IDEA_DATA_NEED
        )

    def _compare_column(self, draft: _Draft, row: RecordRow, column: WorkbookColumn) -> None:
        value = self._resolve(draft, row, column)
        if value is None or column.field == "id":
            return
        if column.field == "status_reason":
            draft.values["status_reason"] = value
            return
        before = read_stored_value(draft.package, column)
        if draft.package is None:
            if value not in ("", []):
                draft.values[column.field] = value
        elif not _is_same(column, before, value) and not self._is_inherited(draft, column, value):
            draft.values[column.field], draft.before[column.field] = value, before

    def _is_inherited(self, draft: _Draft, column: WorkbookColumn, value: Value) -> bool:
        """Return whether a value is what the record has from its workshop or ideas."""
        stored = draft.package
        if stored is None or package_model.read_stored_texts(stored, column.field):
            return False
        if column.field not in ("municipality", "service_problem"):
            return False
        if stored.type == package_model.IDEA and column.field == "municipality":
            workshop = package_model.read_stored_text(stored, "workshop")
            package = package_model.load_packages([workshop]).get(workshop)
            return set(package_logic.list_workshop_municipalities(package)) == set(value)
        if stored.type == package_model.DATASET:
            ideas = package_model.load_packages(
                package_model.read_stored_texts(stored, "idea")
            ).values()
            list_values = (
                package_logic.list_idea_municipalities
                if column.field == "municipality"
                else package_logic.list_idea_problems
            )
            return set(list_values(ideas)) == set(value)
        return False

    def _resolve(self, draft: _Draft, row: RecordRow, column: WorkbookColumn) -> Value | None:
        """Return a value with references replaced by ids; ``None`` if it cannot be resolved."""
        value = row.values[column.name]
        if column.kind == ValueKind.ORGANIZATION:
            return draft.organization or None
        if column.kind in (ValueKind.WORKSHOP, ValueKind.IDEAS):
            type_ = (
                package_model.WORKSHOP if column.kind == ValueKind.WORKSHOP else package_model.IDEA
            )
            given = value if isinstance(value, list) else [value]
            found: list[str] = []
            for reference in filter(None, given):
                id_ = self._find_reference(type_, reference, draft.organization)
                if not id_:
                    is_faulty = fold_code(reference) in self._faulty.get(type_, set())
                    message = FAULTY_RECORD if is_faulty else NO_RECORD
                    code = quote_value(reference)
                    draft.faults.append(
                        self._fault(draft.source, row, column.name, message, code=code)
                    )
                found.append(id_)
            return found if isinstance(value, list) else "".join(found)
        if column.kind == ValueKind.NEEDS:
            return self._resolve_needs(draft, row, column, row.get_list(column.name))
        if column.kind == ValueKind.LICENCE:
            known: Any = model.Package.get_license_register()
            if value and value not in known and not self._is_kept_licence(draft, value):
                shown = quote_value(value)
                draft.faults.append(
                    self._fault(draft.source, row, column.name, UNKNOWN_LICENCE, value=shown)
                )
        return value

    @staticmethod
    def _is_kept_licence(draft: _Draft, value: Value) -> bool:
        stored: Any = draft.package
        return bool(stored is not None and stored.license_id == value)

    def _resolve_needs(
        self, draft: _Draft, row: RecordRow, column: WorkbookColumn, wanted: Sequence[str]
    ) -> list[str]:
        """Return the ids of data needs of the row's ideas, by their text or id."""
        references = row.get_list("idea")
        ids = [
            self._find_reference(package_model.IDEA, reference, draft.organization)
            for reference in references
        ]
        if not references and draft.package is not None:
            ids = package_model.read_stored_texts(draft.package, "idea")
        ideas = package_model.load_packages(filter(None, ids))
        needs: dict[str, str] = {}
        for id_ in ids:
            for need in package_model.read_stored_rows(ideas.get(id_), "data_need"):
                needs.setdefault(fold_text(need.get("what") or ""), need["id"])
                needs.setdefault(need["id"], need["id"])
        found: list[str] = []
        for text in wanted:
            need_id = needs.get(text) or needs.get(fold_text(text))
            if need_id is None:
                shown = quote_value(text)
                draft.faults.append(
                    self._fault(draft.source, row, column.name, NO_NEED, value=shown)
                )
            elif need_id not in found:
                found.append(need_id)
        return found

    def _compare_rows_in_cells(self, draft: _Draft, row: RecordRow) -> None:
        """Compare the repeating fields whose subfields are columns: organisers, files, contacts."""
        by_field: dict[str, list[WorkbookColumn]] = {}
        for column in draft.source.sheet.columns:
            if column.subfield and column.name in row.values:
                by_field.setdefault(column.field, []).append(column)
        for field_, columns in by_field.items():
            before = read_stored_rows(draft.package, field_)
            rows = _merge_cells(row, columns, before)
            if rows != before:
                draft.values[field_], draft.before[field_] = rows, before

    def _save(self, draft: _Draft) -> None:
        stored = draft.package
        if stored is not None and not draft.values:
            self._count(draft, UNCHANGED, stored.title or stored.name)
            return
        context = bulk.make_context(self._options.user, self._user)
        row_number = (
            draft.row.number if draft.row else next(iter(draft.children.values()))[0].row.number
        )
        transaction = _find_transaction()
        try:
            if stored is None:
                id_ = bulk.create_package(context, self._make_new(draft), self._options.is_trial)
            else:
                data = make_update(context, stored, draft.values)
                id_ = bulk.update_package(context, data, self._options.is_trial)
        except tk.ValidationError as error:
            if bulk.is_saving(context) or _find_transaction() is not transaction:
                # A rule refused the save itself, and what was saved before is lost with it.
                message = "; ".join(flatten_errors(error.error_dict))
                raise self._abort(draft, row_number, message) from error
            draft.faults += self._explain_errors(draft, error.error_dict)
            return
        except tk.NotAuthorized as error:
            message = str(error.message or "") or tk._("You may not save this record")
            draft.faults.append(self._describe_row(draft, message))
            return
        except DBAPIError as error:
            raise self._abort(draft, row_number, tk._("The database refused this row")) from error
        package = model.Session.get(model.Package, id_)
        assert package is not None
        draft.known.id = id_
        outcome = CREATED if stored is None else CHANGED
        self._count(draft, outcome, package.title or package.name)
        self._ids["package_create" if stored is None else "package_update"].append(id_)
        self._changes.append(self._make_change(draft, package, outcome, row_number))

    def _make_change(
        self, draft: _Draft, package: model.Package, outcome: str, row_number: int
    ) -> ChangeRow:
        is_new = outcome == CREATED
        after = {} if is_new else {name: read_field(package, name) for name in draft.before}
        return ChangeRow(
            package.id,
            package.type,
            outcome,
            f"{draft.source.file} | {draft.source.name} | {row_number}",
            {} if is_new else draft.before,
            after,
            bulk.digest_package(package),
        )

    def _make_new(self, draft: _Draft) -> dict[str, Any]:
        values = _write_values(draft.values)
        row = draft.row
        assert row is not None
        new: dict[str, Any] = {"type": draft.type, **values}
        if draft.code:
            new["code"] = draft.code
        if not new.get("name"):
            new["name"] = self._find_free_name(str(new.get("title") or draft.type))
        # Only a system administrator may restore the ids of another site.
        if self._viewer.is_sysadmin and row.get_text("id"):
            new["id"] = row.get_text("id")
        return new

    def _find_free_name(self, title: str) -> str:
        """Return an address that no record has, made from a title."""
        base = munge_title_to_name(title)[:_LONGEST_NAME].strip("-_").ljust(2, "_")
        # The numbers of a frequent title are not tried from the start for each of its rows.
        number = self._numbers.get(base, 1)
        while model.Package.get(name := base if number == 1 else f"{base}-{number}") is not None:
            number += 1
        self._numbers[base] = number + 1
        return name

    def _abort(self, draft: _Draft, number: int, message: str) -> ImportAborted:
        key = (draft.source.file, draft.source.name, number)
        return ImportAborted(key, self._describe_row(draft, message))

    def _describe_row(self, draft: _Draft, message: str) -> ImportProblem:
        row = draft.row or next(iter(draft.children.values()))[0].row
        return ImportProblem(draft.source.file, draft.source.name, row.number, "", "", "", message)

    def _count(self, draft: _Draft, outcome: str, title: str) -> None:
        number = self.report.counts[draft.type, outcome]
        self.report.counts[draft.type, outcome] += 1
        if number < MOST_LISTED:
            self.report.records.append(
                ImportedRecord(
                    outcome,
                    draft.type,
                    draft.code,
                    title,
                    draft.source.name,
                    draft.row.number if draft.row else 0,
                    tuple(name_fields(draft.type, draft.before)),
                )
            )

    def _explain_errors(self, draft: _Draft, errors: Mapping[str, Any]) -> list[ImportProblem]:
        """Return the errors of CKAN's validation at the cells that they are about."""
        found: list[ImportProblem] = []
        for name, texts in errors.items():
            if name == "message" and len(errors) > 1:
                continue
            rows = texts if is_json_list(texts) else [texts]
            for number, text in enumerate(rows):
                if is_json_object(text):
                    for inner, messages_ in text.items():
                        column = f"{name}.{inner}"
                        found += self._place_errors(draft, column, number, messages_)
                elif text:
                    found += self._place_errors(draft, name, None, [text])
        return found or [self._describe_row(draft, tk._("The row was refused"))]

    def _place_errors(
        self, draft: _Draft, column: str, number: int | None, texts: Any
    ) -> list[ImportProblem]:
        field_ = column.split(".")[0]
        child = draft.rows_from.get((field_, number if number is not None else -1))
        source, row = (child.source, child.row) if child else (draft.source, draft.row)
        text = " ".join(map(str, texts)) if is_json_list(texts) else str(texts)
        if row is None:
            return [self._describe_row(draft, text)]
        names = [c.name for c in source.sheet.columns]
        known = (
            column if column in names else next((n for n in names if n.split(".")[0] == field_), "")
        )
        if not known:
            text = messages.write_fault(Fault(UNKNOWN_COLUMN, {"field": field_, "message": text}))
        # The text is a sentence already.
        fault = row.make_fault(known, Fault("{text}", {"text": text}))
        problem = self._describe(source, fault)
        if known and not problem.heading:
            label = next(c for c in source.sheet.columns if c.name == known).label
            problem = problem._replace(heading=label["es"])
        return [problem]


def _index_organizations() -> dict[str, str]:
    """Return folded title, name or id → id of the active organisations; titles must be unique."""
    query = model.Session.query(model.Group.id, model.Group.name, model.Group.title).filter(
        filter_public_organizations(model.Group)
    )
    found: dict[str, str] = {}
    doubled: set[str] = set()
    rows = query.all()
    for row in rows:
        title = fold_text(row.title or "")
        if title and title in found:
            doubled.add(title)
        found[title] = row.id
    for title in doubled:
        del found[title]
    for row in rows:
        found[fold_text(row.name)] = row.id
        found[row.name] = row.id
        found[row.id] = row.id
    found.pop("", None)
    return found


def fold_code(code: str) -> str:
    """Return a code for comparing: references need not repeat case and blanks."""
    return " ".join(code.split()).casefold()


def _guess_sheet(rows: Sequence[tuple[int, Sequence[GivenCell]]]) -> WorkbookSheet | None:
    """Return the sheet whose columns the first rows have; at least its key and another one."""
    best: tuple[int, WorkbookSheet] | None = None
    for _, cells in rows:
        for sheet in list_sheets():
            match = match_headings(sheet, cells)
            fields = {column.field for column in match.columns.values()}
            score = len(match.columns) - len(match.unknown)
            if sheet.key in fields and len(match.columns) >= 2 and (not best or score > best[0]):
                best = (score, sheet)
        if best:
            return best[1]
    return None


def read_stored_value(package: model.Package | None, column: WorkbookColumn) -> Value:
    """Return the stored value of a column without subfields, in the form of the reader."""
    is_list = column.kind in LISTS
    if package is None:
        return [] if is_list else ""
    if column.kind == ValueKind.KEYWORDS:
        return sorted(tag.name for tag in package.get_tags())
    if column.field == "private":
        return "true" if package.private else "false"
    if column.field in (
        "title",
        "name",
        "notes",
        "url",
        "version",
        "license_id",
        "owner_org",
        "id",
    ):
        return getattr(package, column.field) or ""
    if is_list:
        return package_model.read_stored_texts(package, column.field)
    return package_model.read_stored_text(package, column.field)


def read_field(package: model.Package, field_: str) -> Any:
    """Return a stored field in the form in which the ledger has it."""
    sheets = [sheet for sheet in list_sheets() if sheet.type == package.type]
    columns = [column for sheet in sheets for column in sheet.columns if column.field == field_]
    if any(column.subfield for column in columns):
        return read_stored_rows(package, field_)
    return read_stored_value(package, columns[0])


_RESOURCE_FIELDS = ("id", "url", "name", "description", "format")


def read_stored_rows(package: model.Package | None, field_: str) -> list[dict[str, Any]]:
    """Return the rows of a repeating field, or the files, in the form of the ledger."""
    if field_ != "resources":
        return package_model.read_stored_rows(package, field_)
    if package is None:
        return []
    return [_read_resource(resource) for resource in package.resources]


def _read_resource(resource: model.Resource) -> dict[str, Any]:
    found = {name: value for name in _RESOURCE_FIELDS if (value := getattr(resource, name))}
    if resource.url_type == "upload":
        # Stored is only the name of the file.
        found["url"] = tk.h.url_for(
            "resource.download",
            id=resource.package_id,
            resource_id=resource.id,
            filename=munge_filename(resource.url),
            qualified=True,
        )
    return found


def _is_same(column: WorkbookColumn, before: Value, value: Value) -> bool:
    if column.kind == ValueKind.KEYWORDS:
        return sorted({tag for word in value for tag in list_tags(word)}) == before
    if column.kind == ValueKind.FLAG:
        return (before or "false") == (value or "false")
    if isinstance(value, list) and column.kind != ValueKind.TEXTS:
        return sorted(before) == sorted(value)
    if isinstance(value, str) and isinstance(before, str):
        return before.replace("\r\n", "\n").strip() == value
    return before == value


def _merge_cells(
    row: RecordRow, columns: Sequence[WorkbookColumn], before: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of a repeating field by the columns of its subfields.

    Subfields that the file does not have are kept, of rows with the same value in the first column.
    """
    count = max(len(row.get_list(column.name)) for column in columns)
    first = columns[0].subfield
    rest = list(before)
    found: list[dict[str, Any]] = []
    for number in range(count):
        given = {
            column.subfield: values[number]
            for column in columns
            if number < len(values := row.get_list(column.name))
        }
        same = next((old for old in rest if (old.get(first) or "") == given.get(first)), None)
        if same is not None:
            rest.remove(same)
        merged = {**(same or {}), **given}
        if same is not None and first == "url" and _is_same_format(same, given):
            merged["format"] = same.get("format", "")
        kept = {name: value for name, value in merged.items() if value not in ("", None)}
        if kept:
            found.append(kept)
    cleaned = [{k: v for k, v in old.items() if v not in ("", None)} for old in before]
    return list(before) if found == cleaned else found


def _is_same_format(same: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    return (same.get("format") or "").casefold() == (given.get("format") or "").casefold()


def _merge_children(
    draft: _Draft,
    field_: str,
    before: Sequence[dict[str, Any]],
    children: Sequence[_ChildRow],
    may_restore: Callable[[str], bool],
) -> list[dict[str, Any]]:
    """Return stored rows with those of other sheets: changed by name or id, or added.

    Rows that are only on the site stay. Of several rows with one name, the first of a sheet belongs
    to the first stored one, and so on.
    """
    name = _NAMED_BY[field_]
    merged = [dict(row) for row in before]
    used: dict[str, set[int]] = {}
    for child in children:
        values = {
            column.subfield: child.row.get_text(column.name)
            for column in child.source.sheet.columns
            if column.subfield and column.name in child.row.values
        }
        taken = used.setdefault(child.source.sheet.name, set())
        wanted, wanted_id = fold_text(values.get(name, "")), values.get("id")
        place = next(
            (
                number
                for number, row in enumerate(merged)
                if number not in taken
                and (row.get("id") or "") in (wanted_id or row.get("id") or "", "")
                and (row.get("id") == wanted_id or fold_text(row.get(name) or "") == wanted)
            ),
            None,
        )
        if place is None:
            place = len(merged)
            merged.append({})
            if wanted_id and not may_restore(wanted_id):
                del values["id"]
        taken.add(place)
        row = {**merged[place], **values}
        if merged[place] and fold_text(merged[place].get(name) or "") == wanted:
            row[name] = merged[place][name]
        kept = {key: value for key, value in row.items() if value != ""}
        old = {key: value for key, value in merged[place].items() if value not in ("", None)}
        if kept != old:
            merged[place] = kept
        draft.rows_from[field_, place] = child
    return merged


def _write_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of the ledger's form in the form of CKAN's actions."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name == "tag_string":
            found["tags"] = [{"name": word} for word in value]
        elif name == "private":
            found["private"] = value == "true"
        else:
            found[name] = value
    return found


def make_update(context: Any, package: model.Package, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole record with new values, as ``package_patch`` makes it."""
    reader = {
        "session": context["session"],
        "user": context["user"],
        "auth_user_obj": context["auth_user_obj"],
        "for_update": True,
        "use_cache": False,
    }
    shown = tk.get_action("package_show")(cast(Any, reader), {"id": package.id})
    values = _write_values(changed)
    if "resources" in values:
        stored = {resource["id"]: resource for resource in shown.get("resources", [])}
        values["resources"] = [
            {**stored.get(row.get("id", ""), {}), **row} for row in values["resources"]
        ]
        for row in values["resources"]:
            if row.get("url_type") == "upload" and row.get("id") in stored:
                row["url"] = stored[row["id"]]["url"]
    shown.pop("metadata_modified", None)
    return {**shown, **values}


def name_fields(type_: str, names: Iterable[str]) -> list[str]:
    """Return the labels of fields, in the language of the request."""
    language = messages.get_language()
    labels = {
        column.field: pick_label(column.label, language)
        for sheet in list_sheets()
        if sheet.type == type_
        for column in reversed(sheet.columns)
    }
    return [labels.get(name, name) for name in names]


def _find_transaction() -> object:
    """Return the session's transaction, begun if there is none; another one after a rollback."""
    model.Session.connection()
    return model.Session().get_transaction()


def flatten_errors(errors: Mapping[str, Any]) -> list[str]:
    """Return the messages of a validation error, in order."""
    found: list[str] = []

    def collect(value: Any) -> None:
        if is_json_object(value):
            for inner in value.values():
                collect(inner)
        elif is_json_list(value):
            for inner in value:
                collect(inner)
        elif value:
            found.append(str(value))

    collect(dict(errors))
    return list(dict.fromkeys(found))


def summarize_report(report: ImportReport) -> dict[str, Any]:
    """Return a report as JSON for the ledger and the API."""
    return {
        "counts": [
            {"type": type_, "outcome": outcome, "count": number}
            for (type_, outcome), number in sorted(report.counts.items())
        ],
        "problems": [problem._asdict() for problem in report.problems[:MOST_LISTED]],
        "problem_count": report.problem_count,
        "notices": [notice._asdict() for notice in report.notices[:MOST_LISTED]],
        "records": [record._asdict() for record in report.records[:MOST_LISTED]],
        "examples": report.examples,
    }
