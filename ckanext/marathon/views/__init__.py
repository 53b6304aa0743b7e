"""Every URL of ours. CKAN registers the blueprints that this module names."""

from .catalog import catalog
from .changes import changes
from .deleting import deleting
from .forms import forms
from .ideas import ideas
from .office import office
from .places import places
from .portal import portal
from .things import things
from .unavailable import unavailable
from .vocabulary import vocabulary

__all__ = [
    "catalog",
    "changes",
    "deleting",
    "forms",
    "ideas",
    "office",
    "places",
    "portal",
    "things",
    "unavailable",
    "vocabulary",
]
