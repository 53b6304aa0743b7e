from typing import Any

JSONLD_CONTEXT: dict[str, Any]
