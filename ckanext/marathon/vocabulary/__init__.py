"""Codes and labels of places, service problems and statuses. Imports neither CKAN nor rdflib.

``docs/vocabulary.md`` has the sources and licences of the data, corrections and doubts.
"""
