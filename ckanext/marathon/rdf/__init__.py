"""From CKAN's dicts to triples, and back.

``build_dataset_graph`` and its neighbours are pure: a dict and :class:`.facts.Site` and
:class:`.facts.Facts` in, an :class:`rdflib.Graph` out. ``profile`` adapts them to ckanext-dcat,
``lookups`` is the one place that asks CKAN. What each property says, and why: ``docs/rdf.md``.
"""
