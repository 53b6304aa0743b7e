"""The embedded single-machine stack: PostgreSQL, Valkey, Solr and a CKAN site on top of them.

It is what ``make run`` and ``make test`` start. It needs no root, no Docker, no Java and no
database already installed. The plugins never import it, and it imports nothing of theirs.
"""
