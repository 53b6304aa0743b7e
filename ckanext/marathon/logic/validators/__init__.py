"""Validators, one file a noun; values and codes have their own. CKAN registers ``__all__``."""

from ckanext.marathon.logic.validators.codes import (
    marathon_authority,
    marathon_authority_list,
    marathon_municipality_code,
    marathon_municipality_codes,
    marathon_service_problems,
    marathon_term,
)
from ckanext.marathon.logic.validators.commitment import marathon_commitment_rules
from ckanext.marathon.logic.validators.dataset import marathon_dataset_rules
from ckanext.marathon.logic.validators.files import marathon_checksum, marathon_resource_address
from ckanext.marathon.logic.validators.idea import marathon_idea_rules
from ckanext.marathon.logic.validators.organization import marathon_organization_rules
from ckanext.marathon.logic.validators.references import (
    marathon_code,
    marathon_data_need_id,
    marathon_data_need_ids,
    marathon_dataset_required,
    marathon_idea_ids,
    marathon_owner_org,
    marathon_status_reason,
    marathon_workshop_id,
)
from ckanext.marathon.logic.validators.values import (
    marathon_count,
    marathon_date,
    marathon_datetime,
    marathon_day,
    marathon_decimal,
    marathon_duration,
    marathon_email,
    marathon_empty_blank,
    marathon_filled,
    marathon_flag,
    marathon_geojson,
    marathon_http_url,
    marathon_http_url_list,
    marathon_int_or_none,
    marathon_latitude,
    marathon_longitude,
    marathon_title,
)
from ckanext.marathon.logic.validators.workshop import marathon_workshop_rules

__all__ = [
    "marathon_authority",
    "marathon_authority_list",
    "marathon_checksum",
    "marathon_code",
    "marathon_commitment_rules",
    "marathon_count",
    "marathon_data_need_id",
    "marathon_data_need_ids",
    "marathon_dataset_required",
    "marathon_dataset_rules",
    "marathon_date",
    "marathon_datetime",
    "marathon_day",
    "marathon_decimal",
    "marathon_duration",
    "marathon_email",
    "marathon_empty_blank",
    "marathon_filled",
    "marathon_flag",
    "marathon_geojson",
    "marathon_http_url",
    "marathon_http_url_list",
    "marathon_idea_ids",
    "marathon_idea_rules",
    "marathon_int_or_none",
    "marathon_latitude",
    "marathon_longitude",
    "marathon_municipality_code",
    "marathon_municipality_codes",
    "marathon_organization_rules",
    "marathon_owner_org",
    "marathon_resource_address",
    "marathon_service_problems",
    "marathon_status_reason",
    "marathon_term",
    "marathon_title",
    "marathon_workshop_id",
    "marathon_workshop_rules",
]
