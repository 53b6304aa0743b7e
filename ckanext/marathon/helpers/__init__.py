"""What templates may ask for. CKAN registers what ``__all__`` names."""

from collections.abc import Callable
from typing import Any

import ckan.plugins as p

from .about import (
    humanize_entity_type,
    marathon_iri,
    marathon_language,
    marathon_language_tag,
    marathon_licence_doubt,
    marathon_organization,
    marathon_shown_above,
    marathon_type_label,
)
from .agenda import marathon_event_data, marathon_is_late
from .chain import (
    marathon_datasets_of_ideas,
    marathon_ideas_of_workshop,
    marathon_linked,
    marathon_needs,
    marathon_needs_met,
    marathon_next_statuses,
    marathon_of_organization,
    marathon_participants,
    marathon_thing_note,
    marathon_unanswered,
)
from .choices import (
    marathon_authority_choices,
    marathon_chosen,
    marathon_municipality_tree,
    marathon_not_offered,
    marathon_problem_tree,
    marathon_term_choices,
)
from .ckan_texts import marathon_activity_type
from .commitment import marathon_today
from .comparison import marathon_figure_labels, marathon_how_much
from .extras import (
    marathon_extras,
    marathon_file_extras,
    marathon_people_of,
    marathon_rest,
)
from .filters import (
    get_facet_items_dict,
    marathon_filters,
    marathon_filters_here,
    marathon_removals,
)
from .follow import marathon_following, marathon_news
from .form import (
    marathon_form_errors,
    marathon_form_sections,
    marathon_form_token,
    marathon_resource_sections,
    marathon_section_has_errors,
    marathon_unshown,
)
from .labels import (
    marathon_as_list,
    marathon_date,
    marathon_day,
    marathon_host,
    marathon_municipality,
    marathon_municipality_names,
    marathon_only_day,
    marathon_period,
    marathon_problem,
    marathon_problem_names,
    marathon_term,
    marathon_types,
)
from .officer import (
    marathon_idea_choices,
    marathon_idea_note,
    marathon_max_upload,
    marathon_may_set,
    marathon_must_choose,
    marathon_own_municipalities,
    marathon_own_organization,
    marathon_owner_choices,
    marathon_settable_roles,
    marathon_typed_date,
    marathon_workshop_choices,
)
from .people import linked_user, member_count
from .read import (
    marathon_download,
    marathon_filled,
    marathon_licence_name,
    marathon_says,
    marathon_size,
)
from .sharing import (
    marathon_audio,
    marathon_description,
    marathon_is_public,
    marathon_page_address,
    marathon_share,
)
from .story import (
    marathon_asked,
    marathon_coming_workshops,
    marathon_story,
    marathon_timeline,
)
from .structured import croissant, marathon_croissant, marathon_structured_data
from .versions import marathon_field_labels, marathon_moment, marathon_version_lines

__all__ = [
    "get_facet_items_dict",
    "humanize_entity_type",
    "linked_user",
    "marathon_activity_type",
    "marathon_as_list",
    "marathon_asked",
    "marathon_audio",
    "marathon_authority_choices",
    "marathon_chosen",
    "marathon_coming_workshops",
    "marathon_croissant",
    "marathon_datasets_of_ideas",
    "marathon_date",
    "marathon_day",
    "marathon_description",
    "marathon_download",
    "marathon_event_data",
    "marathon_extras",
    "marathon_field_labels",
    "marathon_figure_labels",
    "marathon_file_extras",
    "marathon_filled",
    "marathon_filters",
    "marathon_filters_here",
    "marathon_following",
    "marathon_form_errors",
    "marathon_form_sections",
    "marathon_form_token",
    "marathon_host",
    "marathon_how_much",
    "marathon_idea_choices",
    "marathon_idea_note",
    "marathon_ideas_of_workshop",
    "marathon_iri",
    "marathon_is_late",
    "marathon_is_public",
    "marathon_language",
    "marathon_language_tag",
    "marathon_licence_doubt",
    "marathon_licence_name",
    "marathon_linked",
    "marathon_max_upload",
    "marathon_may_set",
    "marathon_moment",
    "marathon_municipality",
    "marathon_municipality_names",
    "marathon_municipality_tree",
    "marathon_must_choose",
    "marathon_needs",
    "marathon_needs_met",
    "marathon_news",
    "marathon_next_statuses",
    "marathon_not_offered",
    "marathon_of_organization",
    "marathon_only_day",
    "marathon_organization",
    "marathon_own_municipalities",
    "marathon_own_organization",
    "marathon_owner_choices",
    "marathon_page_address",
    "marathon_participants",
    "marathon_people_of",
    "marathon_period",
    "marathon_problem",
    "marathon_problem_names",
    "marathon_problem_tree",
    "marathon_removals",
    "marathon_resource_sections",
    "marathon_rest",
    "marathon_says",
    "marathon_section_has_errors",
    "marathon_settable_roles",
    "marathon_share",
    "marathon_shown_above",
    "marathon_size",
    "marathon_story",
    "marathon_structured_data",
    "marathon_term",
    "marathon_term_choices",
    "marathon_thing_note",
    "marathon_timeline",
    "marathon_today",
    "marathon_type_label",
    "marathon_typed_date",
    "marathon_types",
    "marathon_unanswered",
    "marathon_unshown",
    "marathon_version_lines",
    "marathon_workshop_choices",
    "member_count",
]


def collect_helpers() -> dict[str, Callable[..., Any]]:
    """Return what CKAN registers: these, and those that are chained to plugins that are loaded."""
    own = {name: globals()[name] for name in __all__}
    return {**own, "croissant": croissant} if p.plugin_loaded("croissant") else own
