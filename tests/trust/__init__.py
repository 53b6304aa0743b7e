"""Tests of confidentiality: one set of public and hidden records, read through every interface."""
