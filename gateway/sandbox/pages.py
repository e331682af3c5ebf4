"""The page that an invite link opens."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse

from gateway.sandbox.ledger import Accepted

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def invite_page(accepted: Accepted) -> HTMLResponse:
    """Says who was invited to what."""
    name, email = escape(accepted.body.candidate_name), escape(accepted.body.candidate_email)
    note = (
        "The recruiting platform would have sent this link by e-mail."
        if accepted.emailed
        else "Only the link was made; nobody is e-mailed."
    )
    return _page(
        f"Track {accepted.body.track_id}",
        f"{name} ({email}) is invited to track {accepted.body.track_id}.",
        f"{note} Application {accepted.application_id}.",
        "This is a stand-in: no e-mail has left this machine.",
        status=200,
    )


def missing_page() -> HTMLResponse:
    """Says that the link leads nowhere."""
    return _page("No such invite", "The stand-in knows no invite under this link.", status=404)


def page_in_between(status: int) -> HTMLResponse:
    """As a firewall or a maintenance page answers in the platform's name."""
    mitigated = {"cf-mitigated": "challenge"} if status == HTTPStatus.FORBIDDEN else {}
    return HTMLResponse(
        "<!doctype html>\n<title>Just a moment...</title>\n<p>One more step, please.</p>\n",
        status,
        headers=mitigated,
    )


def _page(title: str, *paragraphs: str, status: int) -> HTMLResponse:
    text = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    return HTMLResponse(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<h1>{title}</h1>\n{text}</html>\n",
        status,
        headers=_HEADERS,
    )
