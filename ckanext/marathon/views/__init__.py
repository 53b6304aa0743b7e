"""Every URL of ours. CKAN registers the blueprints that this module names."""

from .catalog import catalog
from .changes import changes
from .deleting import deleting
from .follow import follow
from .forms import forms
from .ideas import ideas
from .news import news
from .office import office
from .places import places
from .portal import portal
from .search import search
from .things import things
from .unavailable import unavailable
from .vocabulary import vocabulary

__all__ = [
    "catalog",
    "changes",
    "deleting",
    "follow",
    "forms",
    "ideas",
    "news",
    "office",
    "places",
    "portal",
    "search",
    "things",
    "unavailable",
    "vocabulary",
]
