"""The tables that CKAN does not have."""
