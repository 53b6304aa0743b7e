"""Every URL of ours. CKAN registers the blueprints that this module names."""

from .account import account
from .agenda import agenda
from .catalog import catalog
from .changes import changes
from .commitment import commitment
from .country import country
from .deleting import deleting
from .follow import follow
from .form_edit import form_edit
from .form_file import form_file
from .form_organization import form_organization
from .forms import forms
from .health import health
from .held_forms import held
from .ideas import ideas
from .invitations import invitations
from .news import news
from .office import office
from .own_data import own_data
from .places import places
from .portal import portal
from .posters import posters
from .rate_limit import rate_limit
from .reports import reports
from .room import room
from .search import search
from .short import shorts
from .things import things
from .unavailable import unavailable
from .vocabulary import vocabulary

__all__ = [
    "account",
    "agenda",
    "catalog",
    "changes",
    "commitment",
    "country",
    "deleting",
    "follow",
    "form_edit",
    "form_file",
    "form_organization",
    "forms",
    "health",
    "held",
    "ideas",
    "invitations",
    "news",
    "office",
    "own_data",
    "places",
    "portal",
    "posters",
    "rate_limit",
    "reports",
    "room",
    "search",
    "shorts",
    "things",
    "unavailable",
    "vocabulary",
]
