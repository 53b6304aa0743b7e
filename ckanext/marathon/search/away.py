"""How it shows that Solr is away, as its own pages and others meet it."""

from __future__ import annotations

from ckan.lib.search.common import SearchError, SolrConnectionError

# CKAN says SolrConnectionError only where nothing listens: a Solr that is starting, or too slow,
# is a SearchError, like a query that it cannot read.
AWAY = (SolrConnectionError, SearchError)
