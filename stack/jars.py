"""Solr's jars: resolved once into a lock, then fetched by name and checked by SHA-256.

The lock holds names, versions and hashes and no address: ``jgo`` knows where Maven artifacts
are, and people behind a mirror can tell it in its own settings file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stack.messages import Progress, StackError
from stack.paths import cache_dir, free_megabytes

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK = Path(__file__).parent / "solr_files" / "jars.lock"

# JettySolrRunner, which starts Solr inside one Java process, is part of the test framework.
# "!" resolves as Maven itself does for somebody who depends on them; without it jgo would also
# apply the version table of Jetty's own build, whose jakarta.inject is too old for Solr.
SOLR = "org.apache.solr:solr-test-framework:9.10.1!"
JETTY_XML = "org.eclipse.jetty:jetty-xml:10.0.26!"

# Native libraries for machines the stack does not run on.
OTHER_MACHINES = ("osx-", "windows-", "linux-aarch_64")

NEEDED_MEGABYTES = 250
# Where jgo keeps what it fetches until it is checked.
MAVEN = ".maven"


@dataclass(frozen=True)
class Jar:
    """One locked artifact."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def filename(self) -> str:
        """Return its file name in the cache, unique within a lock."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.group}.{self.artifact}-{self.version}{classifier}.jar"

    def line(self) -> str:
        """Return its line of the lock."""
        return f"{self.group}:{self.artifact}:{self.version}:{self.classifier} {self.sha256}"

    @classmethod
    def parse(cls, line: str) -> Jar:
        """Return the jar of a line of the lock.

        Raises:
            ValueError: the line is not ``group:artifact:version:classifier sha256``.
        """
        name, sha256 = line.split()
        group, artifact, version, classifier = name.split(":")
        return cls(group, artifact, version, classifier, sha256)


def read_lock(lock: Path = LOCK) -> list[Jar]:
    """Return the locked jars in the order of the file."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def ensure(progress: Progress, lock: Path = LOCK) -> Path:
    """Return the directory that holds every jar of the lock, fetching what is missing.

    A directory is named after its lock and appears complete or not at all, so that two first
    starts at once, or one that was interrupted, leave nothing half done.

    Raises:
        StackError: a jar is missing and cannot be fetched.
        StackError: the cache's disk is nearly full.
        StackError: a jar that was fetched is not the locked one.
    """
    jars = read_lock(lock)
    name = hashlib.sha256("\n".join(jar.line() for jar in jars).encode()).hexdigest()[:16]
    target = cache_dir() / f"solr-{name}"
    if target.is_dir():
        return target
    free = free_megabytes(target)
    if free < NEEDED_MEGABYTES:
        raise StackError(
            f"Solr needs {NEEDED_MEGABYTES} MB in {target.parent}, {free} MB are free; "
            "free some or set MARATHON_CACHE",
            f"Solr necesita {NEEDED_MEGABYTES} MB en {target.parent} y hay {free} MB libres; "
            "libere espacio o indique MARATHON_CACHE",
        )
    work = target.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        with progress.show_step(f"Solr: {len(jars)} jars, once") as step:
            _fetch_all(jars, work, lambda done: step.show_detail(f"{done} of {len(jars)}"))
            shutil.rmtree(work / MAVEN)
        try:
            work.rename(target)
        except OSError:
            # Another process finished the same directory first.
            if not target.is_dir():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def _fetch_all(jars: list[Jar], work: Path, report: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        fetches = [pool.submit(_fetch, jar, work) for jar in jars]
        try:
            for done, fetch in enumerate(as_completed(fetches), start=1):
                fetch.result()
                report(done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(jar: Jar, work: Path) -> None:
    import requests

    context = _maven(work / MAVEN / jar.sha256[:12])
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    artifact = component.artifact(jar.classifier, "jar")
    try:
        fetched = artifact.resolve()
    except (requests.RequestException, RuntimeError, OSError) as fault:
        if getattr(fault, "errno", None) == errno.ENOSPC:
            raise StackError("no disk space left", "no queda espacio en disco") from fault
        if isinstance(fault, requests.exceptions.SSLError):
            raise StackError(
                f"Solr's {jar.filename} was not downloaded: the certificate of the connection is "
                "not trusted; name your network's own in REQUESTS_CA_BUNDLE and SSL_CERT_FILE",
                f"no se descargó {jar.filename} de Solr: el certificado de la conexión no es de "
                "confianza; indique el de su red en REQUESTS_CA_BUNDLE y SSL_CERT_FILE",
            ) from fault
        raise StackError(
            f"Solr's {jar.filename} could not be downloaded; is there a network? ({_brief(fault)})",
            f"no se pudo descargar {jar.filename} de Solr; ¿hay red?",
        ) from fault
    found = sha256_of(fetched)
    if found != jar.sha256:
        raise StackError(
            f"{jar.filename} has SHA-256 {found}, expected {jar.sha256}; nothing was installed",
            f"{jar.filename} no es el archivo esperado (SHA-256 distinto); no se instaló nada",
        )
    fetched.replace(work / jar.filename)
    shutil.rmtree(work / MAVEN / jar.sha256[:12], ignore_errors=True)


def _brief(fault: BaseException) -> str:
    """Name the kind of fault only: its text is long and holds addresses."""
    return type(fault).__name__


def _maven(repository: Path) -> MavenContext:
    # Imported late: it is slow, and seldom needed.
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    settings = GlobalSettings.load()
    return MavenContext(
        repo_cache=repository,
        remote_repos={"central": MAVEN_CENTRAL_URL, **settings.repositories},
        timeout=60,
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_lock(progress: Progress, lock: Path = LOCK) -> int:
    """Resolve Solr's dependencies anew and write the lock.

    Returns:
        how many jars it names.
    """
    with tempfile.TemporaryDirectory() as scratch:
        context = _maven(Path(scratch))
        with progress.show_step("resolving Solr's dependencies"):
            wanted = [context.create_dependency(name) for name in (SOLR, JETTY_XML)]
            named, needed = context.resolver.resolve(wanted)
        jars = []
        with progress.show_step("hashing every jar") as step:
            for dependency in [*named, *needed]:
                artifact = dependency.artifact
                if artifact.packaging != "jar" or artifact.classifier.startswith(OTHER_MACHINES):
                    continue
                jars.append(
                    Jar(
                        artifact.groupId,
                        artifact.artifactId,
                        artifact.version,
                        artifact.classifier,
                        sha256_of(artifact.resolve()),
                    )
                )
                step.show_detail(str(len(jars)))
    lines = sorted({jar.line() for jar in jars})
    heading = "# group:artifact:version:classifier sha256; written by `python -m stack lock-jars`"
    lock.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return len(lines)
