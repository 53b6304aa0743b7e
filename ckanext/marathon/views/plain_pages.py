"""Pages without hidden characters, whatever texts the database has.

Texts from before such characters were refused, or of an earlier site, could show a reader another
order of letters than they have, or two names that look the same. Pages leave the characters out;
a form that is saved stores the text without them.
"""

from __future__ import annotations

from ckan.types import Response
from flask import Blueprint

from ckanext.marathon.domain.texts import remove_hidden

plain_pages = Blueprint("marathon_plain_pages", __name__)


@plain_pages.after_app_request
def leave_out_hidden(answer: Response) -> Response:
    """Leave hidden characters out of a page."""
    if answer.mimetype != "text/html" or answer.is_streamed or answer.content_encoding:
        return answer
    text = answer.get_data(as_text=True)
    plain = remove_hidden(text)
    if plain != text:
        answer.set_data(plain)
    return answer
