"""Codes and labels of places, service problems and statuses. Imports neither CKAN nor rdflib.

Sources, licences, repairs and doubts of the data: ``docs/vocabulary.md``.
"""
