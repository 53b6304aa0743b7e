"""The catalogue of the municipal idea marathons, as a CKAN extension."""
