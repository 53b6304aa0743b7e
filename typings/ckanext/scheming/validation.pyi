from collections.abc import Callable, Mapping
from typing import Any, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

def scheming_validator(fn: _F) -> _F: ...
def validators_from_string(
    s: str, field: Mapping[str, Any], schema: Mapping[str, Any]
) -> list[Callable[..., Any]]: ...
