"""Writing a shown value where its readers look."""

from __future__ import annotations

import json
from typing import Any


def put(pkg_dict: dict[str, Any], field: str, value: Any) -> None:
    """Set a field, also among the extras where CKAN's default schema leaves it."""
    pkg_dict[field] = value
    extras = pkg_dict.get("extras")
    if not any(extra.get("key") == field for extra in extras or []):
        return
    kept = [extra for extra in extras or [] if extra.get("key") != field]
    if value not in (None, ""):
        text = value if isinstance(value, str) else json.dumps(value)
        kept.append({"key": field, "value": text})
    pkg_dict["extras"] = kept
