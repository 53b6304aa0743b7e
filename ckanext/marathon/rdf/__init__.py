"""From records to triples, and from triples to CKAN's dicts.

``build_dataset_graph`` and the functions for the other records are pure: they take a record and
:class:`.facts.Facts`, and return a graph of rdflib. ``profile`` adapts them to ckanext-dcat;
only ``lookups`` calls CKAN. The properties are explained in ``docs/rdf.md``.
"""
