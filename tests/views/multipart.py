"""Forms as browsers write them.

Werkzeug's test client leaves out the empty line of an empty field, which its own parser misreads
now and then (findings/werkzeug-empty-field-takes-the-next.sh). Browsers write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from urllib3.filepost import encode_multipart_formdata
from werkzeug.datastructures import FileStorage


def encode_form(data: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the body of a form and its content type.

    Args:
        data: text, lists of text, and files: Werkzeug's, or pairs of a stream and a name.
    """
    parts = [(name, part) for name, value in data.items() for part in _parts_of(value)]
    body, content_type = encode_multipart_formdata(parts)
    return body, content_type


def _parts_of(value: Any) -> Iterator[Any]:
    if isinstance(value, FileStorage):
        yield value.filename, value.read(), value.content_type or "application/octet-stream"
    elif isinstance(value, tuple):
        stream, name = value
        yield name, stream.read()
    elif isinstance(value, list):
        yield from map(str, value)
    else:
        yield str(value)
