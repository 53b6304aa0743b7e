"""``ckan marathon doctor`` finds each fault, and none on a healthy site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib.search import clear_all
from ckan.tests import factories as ckan_factories
from ckan.tests.helpers import call_action
from flask_babel import force_locale

from ckanext.marathon.model import search_index
from ckanext.marathon.operations import doctor as doctor_operations
from ckanext.marathon.operations.doctor import Health, is_loopback
from tests import private_names
from tests.factories import CoordinatingBody, MarathonDataset, NationalBody, Workshop
from tests.logic import smtp

pytestmark = pytest.mark.usefixtures("marathon_site", "with_request_context")
Doctor = Callable[..., list[str]]
MARKS = {Health.GOOD: "✓", Health.WARNING: "!", Health.BAD: "✗"}


@pytest.fixture
def doctor(ckan_config: Any, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Change settings, run the checks, and return the findings."""

    def run(**settings: Any) -> list[str]:
        for name, value in settings.items():
            monkeypatch.setitem(ckan_config, name, value)
        found = list(doctor_operations.examine_site())
        return [f"{MARKS[f.health]} {f.text}" for f in found if f.health is not Health.GOOD]

    return run


def has(findings: list[str], start: str) -> bool:
    return any(finding.startswith(start) for finding in findings)


@pytest.mark.usefixtures("clean_queues")
def test_a_healthy_site_has_no_faults_and_no_warnings(doctor: Doctor) -> None:
    CoordinatingBody()
    Workshop()
    with smtp.server() as (_mailbox, address):
        findings = doctor(
            **{
                "smtp.server": address,
                "smtp.mail_from": "no-responder@infom.gob.gt",
                "email_to": "datos@infom.gob.gt",
                "error_email_from": "no-responder@infom.gob.gt",
                "ckanext.dcat.base_uri": "https://datos.example.gt",
                "ckan.auth.user_create_organizations": False,
                "ckan.auth.public_user_details": False,
                "ckanext.marathon.catalog_license": "cc-by",
            }
        )
    assert findings == []


def test_a_loopback_base_is_warned_of(doctor: Doctor) -> None:
    findings = doctor(**{"ckanext.dcat.base_uri": "http://127.0.0.1:5000"})
    assert has(
        findings, "! IRIs start with http://127.0.0.1:5000, an address of this machine alone"
    )


def test_a_base_that_is_only_the_site_s_address_is_warned_of(doctor: Doctor) -> None:
    findings = doctor(**{"ckanext.dcat.base_uri": ""})
    assert has(findings, "! IRIs start with http://test.ckan.net, taken from ckan.site_url.")


@pytest.mark.parametrize("server", ["", "127.0.0.1:1", "no-such-host.invalid"])
def test_a_missing_or_unreachable_mail_server_is_a_warning(doctor: Doctor, server: str) -> None:
    (finding,) = [f for f in doctor(**{"smtp.server": server}) if "mail server" in f]
    assert finding.startswith("! ")
    assert "invitations give a link to hand over instead" in finding


def test_missing_sender_of_mail_is_a_warning(
    doctor: Doctor, ckan_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ckan_config, "smtp.mail_from", None)
    with smtp.server() as (_mailbox, address):
        assert has(doctor(**{"smtp.server": address}), "! smtp.mail_from is not set")
    assert not has(doctor(**{"smtp.server": ""}), "! smtp.mail_from")


class TestRecipients:
    """Each missing or unsuitable mail setting is a warning with a correction."""

    WELL: ClassVar = {
        "email_to": "datos@infom.gob.gt",
        "error_email_from": "no-responder@infom.gob.gt",
        "smtp.mail_from": "no-responder@infom.gob.gt",
    }

    def test_complete_mail_settings_give_no_warning(self, doctor: Doctor) -> None:
        with smtp.server() as (_mailbox, address):
            findings = doctor(**self.WELL, **{"smtp.server": address})
        assert [each for each in findings if "mail" in each] == []

    @pytest.mark.parametrize("missing", ["", None])
    def test_a_missing_recipient_of_errors_is_warned_of(
        self, doctor: Doctor, missing: str | None
    ) -> None:
        # Also where no mail goes out: portals ask there.
        (finding,) = [f for f in doctor(**{**self.WELL, "email_to": missing}) if "email_to" in f]
        assert finding.startswith("! email_to is not set: nobody is told of errors")
        assert "Set email_to to an address that somebody reads" in finding
        assert "error_email_from" in finding

    @pytest.mark.parametrize("nobody", ["datos@localhost", "no-responder@infom.gob.gt", "datos"])
    def test_email_to_with_an_unread_address_is_a_warning(
        self, doctor: Doctor, nobody: str
    ) -> None:
        findings = doctor(**{**self.WELL, "email_to": nobody})
        assert has(findings, f"! email_to is {nobody}, where nobody reads letters")

    def test_missing_sender_of_error_mails_is_a_warning(self, doctor: Doctor) -> None:
        findings = doctor(**{**self.WELL, "error_email_from": ""})
        assert has(findings, "! error_email_from is not set")
        # Where no errors are mailed it is not missed.
        findings = doctor(**{**self.WELL, "email_to": "", "error_email_from": ""})
        assert not has(findings, "! error_email_from")

    def test_a_sender_without_a_public_host_is_a_warning(self, doctor: Doctor) -> None:
        with smtp.server() as (_mailbox, address):
            settings = {**self.WELL, "smtp.server": address}
            findings = doctor(**{**settings, "smtp.mail_from": "no-responder@localhost"})
        assert has(findings, "! smtp.mail_from is no-responder@localhost, at a host")

    def test_disabled_notifications_that_people_asked_for_are_a_warning(
        self, doctor: Doctor
    ) -> None:
        person = call_action("user_show", id=ckan_factories.User()["id"])
        option = "ckan.activity_streams_email_notifications"
        assert not any(option in finding for finding in doctor(**{option: False}))
        account = model.User.get(person["id"])
        assert account is not None
        account.activity_streams_email_notifications = True
        model.repo.commit()
        assert has(doctor(**{option: False}), "! 1 people want news by e-mail, and none are sent")
        assert not any(option in finding for finding in doctor(**{option: True}))

    def test_warnings_are_in_spanish_on_a_spanish_site(self, doctor: Doctor) -> None:
        with force_locale("es"):
            findings = doctor(**{**self.WELL, "email_to": ""})
        assert has(findings, "! email_to no está definido: nadie se entera de los errores")


class TestKeptIris:
    """Datasets that could not keep their IRI because another one has it."""

    IRI = "https://origen.example.gt/datos/agua"

    def harvest(self, name: str, uri: str, context: dict[str, Any] | None = None) -> str:
        made = call_action(
            "package_create",
            context or {},
            name=name,
            title=name,
            notes="De otra parte.",
            owner_org=NationalBody()["id"],
            service_problem=["AGU-01"],
            extras=[{"key": "uri", "value": uri}],
        )
        return made["id"]

    def test_two_harvested_datasets_with_one_iri_are_named(self, doctor: Doctor) -> None:
        self.harvest("agua", self.IRI)
        assert not any(self.IRI in finding for finding in doctor())
        second = self.harvest("agua-otra-vez", f" {self.IRI} ")
        findings = [finding for finding in doctor() if self.IRI in finding]
        (finding,) = findings
        assert finding.startswith(
            f"! The dataset agua-otra-vez names in its field uri the IRI {self.IRI}, which agua has"
        )
        assert "delete agua-otra-vez" in finding
        call_action("package_delete", id=second)
        assert not any(self.IRI in finding for finding in doctor())

    @pytest.mark.parametrize("hidden", [{"private": True}, {"state": "draft"}])
    def test_a_hidden_dataset_with_the_same_iri_is_not_reported_as_listed(
        self, doctor: Doctor, hidden: dict[str, Any]
    ) -> None:
        first = self.harvest("agua", self.IRI)
        second = self.harvest("agua-otra-vez", self.IRI)
        call_action("package_patch", id=first, **hidden)
        (finding,) = [finding for finding in doctor() if self.IRI in finding]
        assert "agua is not public" in finding
        assert "list both" not in finding
        call_action("package_patch", id=second, private=True)
        assert not any(self.IRI in finding for finding in doctor())

    def test_datasets_with_the_same_repaired_iri_are_named(self, doctor: Doctor) -> None:
        self.harvest("agua", f"{self.IRI} azul")
        self.harvest("segundo", f"{self.IRI} azul")
        assert has(doctor(), f"! The dataset segundo names in its field uri the IRI {self.IRI}%20")

    def test_more_than_five_datasets_are_counted(self, doctor: Doctor) -> None:
        for number in range(8):
            self.harvest(f"agua-{number}", self.IRI)
        findings = doctor()
        assert len([finding for finding in findings if self.IRI in finding]) == 5
        assert has(findings, "! Further datasets whose IRI another one has: 2.")

    def test_datasets_with_different_iris_are_not_named(self, doctor: Doctor) -> None:
        self.harvest("agua", self.IRI)
        self.harvest("pozos", f"{self.IRI}/pozos")
        # It is no IRI of anything elsewhere.
        self.harvest("texto", "agua")
        assert not has(doctor(), "! The dataset")


def test_another_rdf_profile_is_a_warning(doctor: Doctor) -> None:
    findings = doctor(**{"ckanext.dcat.rdf.profiles": "euro_dcat_ap_3"})
    assert has(findings, "! ckanext.dcat.rdf.profiles does not name marathon")


def test_organisations_that_anybody_may_create_are_a_warning(doctor: Doctor) -> None:
    findings = doctor(**{"ckan.auth.user_create_organizations": True})
    assert has(findings, "! Everybody with an account may create organisations")


def test_a_site_without_a_coordinating_body_is_a_warning(doctor: Doctor) -> None:
    assert has(doctor(), "! No organisation has the role of coordinating body")


class TestDescriptions:
    def test_a_catalogue_without_a_licence_is_warned_of(self, doctor: Doctor) -> None:
        assert has(doctor(), "! The catalogue does not say under which licence")

    @pytest.mark.parametrize("licence", ["cc-by", "https://a.gt/licencia"])
    def test_a_catalogue_with_a_licence_is_not_warned_of(
        self, doctor: Doctor, licence: str
    ) -> None:
        findings = doctor(**{"ckanext.marathon.catalog_license": licence})
        assert not any("licence" in finding for finding in findings)

    def test_an_invalid_catalogue_licence_is_a_warning(self, doctor: Doctor) -> None:
        findings = doctor(**{"ckanext.marathon.catalog_license": "ccby"})
        assert has(findings, "! ckanext.marathon.catalog_license is “ccby”")

    def test_public_datasets_without_a_licence_are_counted(self, doctor: Doctor) -> None:
        MarathonDataset(license_id="notspecified")
        MarathonDataset(license_id="")
        MarathonDataset(license_id="cc-by")
        MarathonDataset(license_id="", private=True)
        Workshop()
        assert has(doctor(), "! Public datasets without a licence: 2.")

    def test_organisations_without_a_contact_address_are_counted(self, doctor: Doctor) -> None:
        owners = [NationalBody(contact_email=""), NationalBody(contact_email="a@b.gt")]
        NationalBody(contact_email="")
        for owner in owners:
            MarathonDataset(owner_org=owner["id"])
        start = "! Organisations with public datasets and no e-mail address for questions: 1."
        assert has(doctor(), start)


def test_records_missing_in_the_index_are_a_warning(doctor: Doctor) -> None:
    Workshop()
    clear_all()
    warning = "! The search index lacks 1 records, has 0 that do not exist and 0 that are outdated"
    assert has(doctor(), warning)
    (mend,) = [finding.mend for finding in doctor_operations.examine_site() if finding.mend]
    assert mend() == "1 records were indexed."
    assert not has(doctor(), "! The search index")


def test_records_that_wait_for_indexing_are_a_warning(doctor: Doctor) -> None:
    workshop = Workshop()
    search_index.note_packages([workshop["id"]])
    long_ago = sa.text("UPDATE marathon_index_note SET due = now() - interval '3 min'")
    model.Session.execute(long_ago)
    model.Session.commit()
    findings = doctor()
    assert has(findings, "! The search index lacks 0 records")
    assert any("1 wait to be indexed" in finding for finding in findings)


def test_an_unreachable_solr_is_a_fault(doctor: Doctor) -> None:
    assert has(doctor(solr_url="http://127.0.0.1:1/solr/x"), "✗ Solr cannot be reached at solr_url")


def test_an_unreachable_redis_is_a_fault(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    private_names.forget_valkey_connections(monkeypatch)
    assert has(doctor(**{"ckan.redis.url": "redis://127.0.0.1:1/0"}), "✗ Redis cannot be reached")


def test_a_missing_migration_is_a_fault(doctor: Doctor) -> None:
    session = model.Session
    versions = session.scalars(sa.text("SELECT version_num FROM marathon_alembic_version")).all()
    session.execute(sa.text("DELETE FROM marathon_alembic_version"))
    session.commit()
    try:
        findings = doctor()
    finally:
        insert = sa.text("INSERT INTO marathon_alembic_version VALUES (:v)")
        session.execute(insert, [{"v": version} for version in versions])
        session.commit()
    assert has(findings, "✗ Tables are missing. Run: ckan db upgrade -p marathon")


class TestPlugins:
    @pytest.mark.ckan_config(
        "ckan.plugins", "scheming_datasets scheming_organizations marathon dcat"
    )
    def test_plugins_in_the_wrong_order_are_a_fault(self, doctor: Doctor) -> None:
        assert has(doctor(), "✗ In ckan.plugins, marathon has to stand before")

    @pytest.mark.ckan_config("ckan.plugins", "marathon scheming_datasets dcat")
    def test_a_missing_plugin_is_a_fault(self, doctor: Doctor) -> None:
        findings = doctor()
        assert has(findings, "✗ Add to ckan.plugins: scheming_organizations.")
        assert has(findings, "✗ Other schemas than the marathon's are in use for: organization.")


class TestCommand:
    def test_warnings_alone_exit_with_0_and_are_counted(self, cli: Any) -> None:
        result = cli.invoke(ckan, ["marathon", "doctor"])
        assert result.exit_code == 0, result.output
        lines = result.output.splitlines()
        warnings = sum(line.startswith("! ") for line in lines)
        assert warnings
        assert lines[-1] == f"0 faults, {warnings} warnings."
        assert any(line.startswith("✓ ") for line in lines)

    def test_fix_adds_missing_records_to_the_index(self, cli: Any) -> None:
        Workshop()
        clear_all()
        result = cli.invoke(ckan, ["marathon", "index", "check"])
        assert result.exit_code == 1
        assert "not in the search index" in result.output
        result = cli.invoke(ckan, ["marathon", "doctor", "--fix"])
        assert result.exit_code == 0, result.output
        assert "→ 1 records were indexed." in result.output
        result = cli.invoke(ckan, ["marathon", "index", "check"])
        assert result.exit_code == 0, result.output
        assert "The search index has what the database has." in result.output
        result = cli.invoke(ckan, ["marathon", "index", "repair"])
        assert "0 records were indexed." in result.output

    def test_a_fault_exits_with_1(self, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CKAN_SOLR_URL", "http://127.0.0.1:1/solr/ckan")
        result = cli.invoke(ckan, ["marathon", "doctor"])
        assert result.exit_code == 1
        assert "✗ Solr cannot be reached at solr_url" in result.output
        assert "1 faults" in result.output


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("ckan.localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("", True),
        ("datos.gob.gt", False),
        ("10.0.0.7", False),
        ("localhost.gob.gt", False),
    ],
)
def test_loopback_hosts_are_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
