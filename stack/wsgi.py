"""The WSGI application, for gunicorn."""

from __future__ import annotations

from ckan.cli import load_config
from ckan.config.middleware import make_app

from stack.compression import compressing

application = compressing(make_app(load_config()))
