"""What places, service problems and codes are called. Pure Python; imports no CKAN and no rdflib.

Sources, licences, repairs and doubts of the data: ``docs/vocabulary.md``.
"""
