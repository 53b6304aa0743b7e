"""Speed compared with stock ckanext-dcat in one run on the same data: ``make bench``."""
