"""Every URL of ours. CKAN registers the blueprints that this module names."""

from .account import account
from .activity import activity
from .agenda import agenda
from .api_door import api_door
from .background_care import background_care
from .catalog import catalog
from .changes import changes
from .commitment import commitment
from .country import country
from .deleting import deleting
from .destinations import destinations
from .enforcing import enforcing
from .files_host import files_host
from .follow import follow
from .form_edit import form_edit
from .form_file import form_file
from .form_organization import form_organization
from .forms import forms
from .health import health
from .held_forms import held
from .history import history
from .ideas import ideas
from .invitations import invitations
from .news import news
from .odd_requests import odd_requests
from .office import office
from .outage import outage
from .own_data import own_data
from .places import places
from .plain_pages import plain_pages
from .portal import portal
from .posters import posters
from .private_answers import private_answers
from .rate_limit import rate_limit
from .reports import reports
from .restoring import restoring
from .room import room
from .search import search
from .security_headers import security_headers
from .short import shorts
from .things import things
from .unavailable import unavailable
from .vocabulary import vocabulary

__all__ = [
    "account",
    "activity",
    "agenda",
    "api_door",
    "background_care",
    "catalog",
    "changes",
    "commitment",
    "country",
    "deleting",
    "destinations",
    "enforcing",
    "files_host",
    "follow",
    "form_edit",
    "form_file",
    "form_organization",
    "forms",
    "health",
    "held",
    "history",
    "ideas",
    "invitations",
    "news",
    "odd_requests",
    "office",
    "outage",
    "own_data",
    "places",
    "plain_pages",
    "portal",
    "posters",
    "private_answers",
    "rate_limit",
    "reports",
    "restoring",
    "room",
    "search",
    "security_headers",
    "shorts",
    "things",
    "unavailable",
    "vocabulary",
]
