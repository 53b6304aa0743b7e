"""The rules, as functions of dicts and facts that return dicts or errors. They import no CKAN."""
