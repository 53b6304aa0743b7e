"""Inline scripts of templates run under the policy, and scripts in data do not."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest
from flask import Flask
from jinja2 import Environment

from ckanext.marathon.views.security_headers import InlineScripts, get_nonce, list_sources


@pytest.fixture(autouse=True)
def in_request() -> Iterator[None]:
    with Flask("test").test_request_context():
        yield


def render(source: str, **values: object) -> str:
    environment = Environment(
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", InlineScripts], autoescape=True
    )
    environment.install_null_translations()  # type: ignore[attr-defined]
    return environment.from_string(source).render(**values)


def hash_of(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


@pytest.mark.parametrize(
    "source",
    [
        "<script>go()</script>",
        "<script type=text/javascript>go()</script>",
        "<SCRIPT >go()</SCRIPT>",
        "<script {% if 2 > 1 %}async{% endif %}>go()</script>",
    ],
)
def test_a_script_of_a_template_has_the_nonce(source: str) -> None:
    assert f' nonce="{get_nonce()}"' in render(source)
    assert list_sources() == {"script-src": f"'nonce-{get_nonce()}'"}


@pytest.mark.parametrize(
    "source",
    [
        '<script src="/a.js"></script>',
        '<script type="application/ld+json">{}</script>',
        "<scripture>x</scripture>",
        "{# <script>x</script> #}",
        "{{ '<script>x</script>' }}",
        "{% set x = '<script>x</script>' %}",
        "{% raw %}<script>{{ x }}</script>{% endraw %}",
        "{% trans %}<script>x</script>{% endtrans %}",
        '{% trans n=3 %}<a onclick="x()">{{ n }}</a>{% endtrans %}',
        '<p>only = "x"</p>',
    ],
)
def test_places_that_need_no_nonce_are_unchanged(source: str) -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    environment.install_null_translations()  # type: ignore[attr-defined]
    assert render(source) == environment.from_string(source).render()
    assert "script-src" not in list_sources()


def test_scripts_in_data_get_no_nonce() -> None:
    from markupsafe import Markup

    brought = Markup("<script>steal()</script><a onclick='steal()'>x</a>")
    assert render("{{ notes }}", notes=brought) == brought
    assert list_sources() == {}


@pytest.mark.parametrize(
    ("source", "written", "code"),
    [
        ('<a onclick="go()">', '<a onclick="go()">', "go()"),
        ("<a onclick='go(\"x\")'>", "<a onclick='go(\"x\")'>", 'go("x")'),
        ('<a onclick="\n  go();\n">', '<a onclick="\n  go();\n">', "\n  go();\n"),
        ('<a onclick="go({{ id }})">', '<a onclick="go(7)">', "go(7)"),
        ('<a onclick="go({{ x|default("y") }})">', '<a onclick="go(y)">', "go(y)"),
        ('<a onclick="a &amp;&amp; b()">', '<a onclick="a &amp;&amp; b()">', "a && b()"),
        ('<a href="javascript:go()">', '<a href="#!" onclick="go()">', "go()"),
    ],
)
def test_a_handler_of_a_template_is_allowed_by_its_hash(
    source: str, written: str, code: str
) -> None:
    assert render(source, id=7) == written
    assert list_sources() == {"script-src-attr": f"'unsafe-hashes' {hash_of(code)}"}


def test_handlers_in_macros_are_allowed_too() -> None:
    source = "{% macro b(js='') %}<b onclick=\"x({{ js }})\">{% endmacro %}{{ b(1) }}{{ b(2) }}"
    assert render(source) == '<b onclick="x(1)"><b onclick="x(2)">'
    hashes = f"{hash_of('x(1)')} {hash_of('x(2)')}"
    assert list_sources() == {"script-src-attr": f"'unsafe-hashes' {hashes}"}


@pytest.mark.parametrize("code", ["", ";", "void(0)", "void(0);"])
def test_an_empty_javascript_link_becomes_a_fragment(code: str) -> None:
    assert render(f'<a href="javascript:{code}">') == '<a href="#!">'
    assert list_sources() == {}


def test_htmx_attributes_with_code_are_removed() -> None:
    assert render('<form hx-on::after-request="go()" hx-post="/x">') == '<form  hx-post="/x">'
