"""The dataset types of ours that are no datasets."""

from __future__ import annotations

DATASET = "dataset"
OTHER_TYPES = ("workshop", "idea", "commitment")
