"""``ckan marathon notify``."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import click
from ckan.lib.mailer import MailerException


@click.command()
def notify() -> None:
    """Send people by e-mail what is new of what they follow; once a day is enough.

    As ``ckan notify send_emails``, which speaks English on every site.
    """
    user: Any = tk.get_action("get_site_user")({"ignore_auth": True}, {})
    try:
        send = tk.get_action("send_email_notifications")
    except KeyError:
        raise click.ClickException(tk._("Add the plugin activity to ckan.plugins.")) from None
    try:
        send({"user": user["name"]}, {})
    except tk.ValidationError as error:
        raise click.ClickException(str(error.error_dict.get("message", error))) from None
    except MailerException as error:
        raise click.ClickException(str(error)) from None
