from typing import Any

class SolrError(Exception): ...

class Results:
    docs: list[dict[str, Any]]
    hits: int
    nextCursorMark: str | None

class Solr:
    url: str
    timeout: float | tuple[float, float]
    def __init__(
        self,
        url: str,
        decoder: Any = None,
        encoder: Any = None,
        timeout: float | tuple[float, float] = 60,
        *,
        always_commit: bool = False,
    ) -> None: ...
    def search(self, q: str, search_handler: str | None = None, **kwargs: Any) -> Results: ...
    def _send_request(
        self, method: str, path: str = "", body: Any = None, headers: Any = None, files: Any = None
    ) -> str: ...
