"""Every URL of ours. CKAN registers the blueprints that this module names."""

from .agenda import agenda
from .catalog import catalog
from .changes import changes
from .commitment import commitment
from .country import country
from .deleting import deleting
from .files_host import files_host
from .follow import follow
from .forms import forms
from .ideas import ideas
from .invitations import invitations
from .news import news
from .office import office
from .own_data import own_data
from .places import places
from .portal import portal
from .posters import posters
from .reports import reports
from .search import search
from .security_headers import security_headers
from .short import shorts
from .things import things
from .unavailable import unavailable
from .vocabulary import vocabulary

__all__ = [
    "agenda",
    "catalog",
    "changes",
    "commitment",
    "country",
    "deleting",
    "files_host",
    "follow",
    "forms",
    "ideas",
    "invitations",
    "news",
    "office",
    "own_data",
    "places",
    "portal",
    "posters",
    "reports",
    "search",
    "security_headers",
    "shorts",
    "things",
    "unavailable",
    "vocabulary",
]
