"""CKAN actions, auth functions and validators."""
