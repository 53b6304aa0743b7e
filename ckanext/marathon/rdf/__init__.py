"""From CKAN's dicts to triples."""
