"""The rules: dicts and facts in, dicts or errors out. No CKAN import."""
