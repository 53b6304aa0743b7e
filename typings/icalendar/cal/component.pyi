from collections.abc import Mapping
from typing import ClassVar

from icalendar.caselessdict import CaselessDict

class Component(CaselessDict):
    name: ClassVar[str | None]
    def add(
        self,
        name: str,
        value: object,
        parameters: Mapping[str, str] | None = None,
        encode: bool = True,
    ) -> None: ...
    def add_component(self, component: Component) -> None: ...
    def to_ical(self, sorted: bool = True) -> bytes: ...
