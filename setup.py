"""Packaging that pyproject.toml cannot say: the top-level ``schemas/`` folder is shipped as
``ckanext.marathon.schemas``, so that scheming finds it both from a wheel and editable."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages(include=["ckanext.marathon", "ckanext.marathon.*"]),
        "ckanext.marathon.schemas",
    ],
    package_dir={"ckanext.marathon.schemas": "schemas"},
    package_data={"ckanext.marathon.schemas": ["*.yaml", "*.ttl", "*.json", "tables/*.yaml"]},
    include_package_data=True,
)
