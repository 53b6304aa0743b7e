"""From records to triples, and from triples to CKAN's dicts.

``build_dataset_graph`` and its neighbours are pure: a record and :class:`.facts.Facts` in, an
:class:`rdflib.Graph` out. ``profile`` adapts them to ckanext-dcat, ``lookups`` is the one place
that asks CKAN. What each property says, and why: ``docs/rdf.md``.
"""
