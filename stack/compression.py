"""Compressing what browsers read, as a proxy before a bigger site does."""

from __future__ import annotations

from typing import Any

from flask_compress import Compress

# Feeds are not among them: they compress themselves.
SETTINGS = {
    "COMPRESS_MIMETYPES": [
        *("text/html", "text/css", "text/javascript", "application/javascript"),
        *("application/json", "application/geo+json", "image/svg+xml", "text/csv"),
    ],
    "COMPRESS_ALGORITHM": ["br", "gzip"],
    "COMPRESS_ALGORITHM_STREAMING": ["br"],
    # Assets are streamed, and not sent again to who has them.
    "COMPRESS_STREAMING_ENDPOINT_CONDITIONAL": ["static", "webassets.index"],
}


def compressing(application: Any) -> Any:
    """Return CKAN's application, whose answers go compressed to who accepts that."""
    flask = application._wsgi_app
    flask.config.update(SETTINGS)
    Compress(flask)
    return application
