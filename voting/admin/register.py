"""Put the administrator's pages into an application.

app.extensions["urne-services"]     the services (`voting.site.services`)
app.config["URNE_VOTE_PAGE"]        the bytes of the booth's page, for previews
app.config["URNE_BOOTH_FILES"]      the files that `election.opened` names
"""

from __future__ import annotations

from flask import Flask

from voting.admin import (
    archive_pages,
    ceremony_pages,
    draft_pages,
    freeze_pages,
    login_pages,
    mail_pages,
    overview_pages,
    question_forms,
    rehearsal_pages,
    result_pages,
    voter_pages,
    voting_pages,
    witness_pages,
)
from voting.admin.access import EXTENSION, account_number
from voting.admin.desk import make_desk, pages
from voting.admin.preview_pages import public_preview
from voting.site.services import Services

PAGES = (
    archive_pages,
    ceremony_pages,
    draft_pages,
    freeze_pages,
    login_pages,
    mail_pages,
    overview_pages,
    question_forms,
    rehearsal_pages,
    result_pages,
    voter_pages,
    voting_pages,
    witness_pages,
)
"""The modules whose import puts their pages on the blueprint."""


def register_admin(app: Flask, services: Services) -> None:
    """Everything below /admin, and the shared previews."""
    app.extensions[EXTENSION] = services
    app.extensions["urne-desk"] = make_desk(services, account_number)
    app.register_blueprint(pages)
    app.register_blueprint(public_preview)
