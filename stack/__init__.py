"""The embedded single-machine stack: PostgreSQL, Valkey, Solr and a CKAN site on top of them.

``make run`` and ``make test`` start it. It needs no root, no Docker, no Java and no installed
database. The plugins do not import it, and it does not import them.
"""
