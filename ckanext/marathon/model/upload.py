"""Begun uploads: files that arrive in pieces, before the form that they belong to is saved.

A row says whose file it is, how it is called and how large it will be. The bytes are in a folder of
``ckan.storage_path``, in one file for each upload. How much has arrived is the size of that file:
it only grows, under a lock, so that it is right also after a process was killed.

Nobody but its owner sees a begun upload. It ends when its dataset is saved, when its owner removes
it or closes the account, or some days after its last piece.
"""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.marathon.domain import file

FOLDER = "marathon_uploads"
# Files without a row are younger while their row is being committed.
_ORPHANED_AFTER = timedelta(days=1)


class BegunUpload(tk.BaseModel):
    """A file that arrives in pieces.

    Attributes:
        id: random, also the name of the file with the bytes.
        name: of the file on the person's device.
        size: bytes of the whole file.
        changed_on_device: when the file was changed, as the browser states it, to recognise it when
            it is chosen again; "" if unknown.
        sha256: checksum of the whole file, ``None`` until all of it has arrived.
        expires: when it is removed; later with each piece.
    """

    __tablename__ = "marathon_upload"

    id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText, index=True)
    name: Mapped[str] = mapped_column(sa.UnicodeText)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    changed_on_device: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str | None] = mapped_column(sa.UnicodeText)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    expires: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)

    @property
    def path(self) -> Path:
        """The file with the bytes, which need not exist."""
        return find_folder() / self.id

    @property
    def received(self) -> int:
        """How many bytes have arrived."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def is_complete(self) -> bool:
        """Whether all bytes have arrived and are still there."""
        return self.sha256 is not None and self.received == self.size


class UploadBusy(Exception):
    """Another request is writing to the same upload."""


def find_folder() -> Path:
    """Return the folder with the bytes, which need not exist."""
    return Path(str(tk.config["ckan.storage_path"])) / FOLDER


def add_upload(
    user_id: str, name: str, size: int, changed_on_device: str, kept_for: timedelta
) -> BegunUpload:
    """Add the row of an upload of which nothing has arrived yet; commits nothing."""
    now = datetime.now(UTC)
    upload = BegunUpload(
        id=str(uuid.uuid4()),
        user_id=user_id,
        name=name,
        size=size,
        changed_on_device=changed_on_device,
        sha256=None,
        created=now,
        expires=now + kept_for,
    )
    model.Session.add(upload)
    return upload


def find_upload(upload_id: str, user_id: str) -> BegunUpload | None:
    """Return an unexpired upload of a person."""
    query = sa.select(BegunUpload).where(
        BegunUpload.id == upload_id, BegunUpload.user_id == user_id, _is_alive()
    )
    return model.Session.scalars(query).first()


def list_uploads(user_id: str) -> list[BegunUpload]:
    """Return the unexpired uploads of a person, the latest first."""
    query = sa.select(BegunUpload).where(BegunUpload.user_id == user_id, _is_alive())
    return list(model.Session.scalars(query.order_by(BegunUpload.created.desc())))


def list_expired() -> list[BegunUpload]:
    """Return the uploads whose time is over, the oldest first."""
    query = sa.select(BegunUpload).where(sa.not_(_is_alive())).order_by(BegunUpload.expires)
    return list(model.Session.scalars(query))


def list_files_without_row() -> list[Path]:
    """Return the files of uploads that have no row, and had none a day ago."""
    folder = find_folder()
    if not folder.is_dir():
        return []
    oldest = datetime.now(UTC) - _ORPHANED_AFTER
    old = [
        path
        for path in sorted(folder.iterdir())
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < oldest
    ]
    names = [path.name for path in old]
    query = sa.select(BegunUpload.id).where(BegunUpload.id.in_(names))
    known = set(model.Session.scalars(query))
    return [path for path in old if path.name not in known]


def _is_alive() -> sa.ColumnElement[bool]:
    return BegunUpload.expires > sa.func.clock_timestamp()


def delete_rows(upload_ids: Collection[str]) -> None:
    """Delete the rows of uploads; commits nothing. Their files are removed after the commit."""
    model.Session.execute(sa.delete(BegunUpload).where(BegunUpload.id.in_(upload_ids)))


def delete_rows_of(user_ids: Collection[str]) -> list[str]:
    """Delete the rows of all uploads of people, and return their ids; commits nothing."""
    statement = sa.delete(BegunUpload).where(BegunUpload.user_id.in_(user_ids))
    return list(model.Session.scalars(statement.returning(BegunUpload.id)))


def remove_files(upload_ids: Iterable[str]) -> None:
    """Remove the bytes of uploads; missing ones are ignored."""
    for upload_id in upload_ids:
        (find_folder() / upload_id).unlink(missing_ok=True)


@contextmanager
def open_to_append(path: Path) -> Generator[BinaryIO]:
    """Open the file of an upload at its end, for this request alone.

    Raises:
        UploadBusy: another request has it open.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise UploadBusy from busy
        yield opened


def compute_sha256(path: Path) -> str:
    """Return the checksum of a file, in hexadecimal digits."""
    with path.open("rb") as opened:
        found = file.compute_checksums(file.read_blocks(opened), {file.OWN_ALGORITHM})
    return found[file.OWN_ALGORITHM]
