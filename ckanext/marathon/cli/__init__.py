"""The command `ckan marathon`."""
