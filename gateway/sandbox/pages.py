"""The stand-in's pages: the accepted invites, and the page that an invite link opens."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse

from gateway.sandbox.ledger import Accepted

_STYLE = """
:root { color-scheme: light dark; }
html { background: canvas; color: canvastext; }
body { max-width: 90rem; margin: 0 auto; padding: 1.5rem; background: canvas; }
body { font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; }
p, td { overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid #8888; text-align: left; }
th, td:nth-child(n + 3):not([data-label="Key"]) { white-space: nowrap; }
@media (max-width: 45rem) {
  table, tbody, tr, td { display: block; }
  thead { display: none; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid #8888; }
  td { padding: 0; border: 0; }
  td::before { content: attr(data-label) ": "; font-weight: 600; }
}
"""
_SCRIPT = """
setInterval(async () => {
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [shown, next] = [document, page].map((one) => one.querySelector("main"));
    if (next && shown.innerHTML !== next.innerHTML) shown.replaceWith(next);
  } catch {
    // It is not running any more: what was shown last stays.
  }
}, 1000);
"""
_COLUMNS = ("Candidate", "Address", "Track", "Format", "E-mailed", "Key", "Accepted")
MOST_SHOWN = 200


def _sum(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src {_sum(_STYLE)}; script-src {_sum(_SCRIPT)};"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def list_page(latest_first: Iterable[Accepted], *, count: int, emailed: int) -> HTMLResponse:
    """A table of the latest invites, which refreshes itself."""
    rows = "".join(map(_row, latest_first))
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    counts = f"{count} accepted, {emailed} of them by e-mail. No e-mail has left this machine."
    more = f" The latest {MOST_SHOWN} are shown." if count > MOST_SHOWN else ""
    return _html(
        "What the stand-in has accepted",
        f"<p>{counts}{more}</p>\n<table>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n",
        script=f"<script>{_SCRIPT}</script>\n",
    )


def _row(accepted: Accepted) -> str:
    body = accepted.body
    name = escape(body.candidate_name)
    values = (
        # Relative to the list's own URL.
        f'<a href="invites/{accepted.application_id}">{name}</a>',
        escape(body.candidate_email),
        str(body.track_id),
        escape(body.invite_format),
        "yes" if accepted.emailed else "no",
        escape(accepted.idempotency_key or "none"),
        accepted.accepted_at.isoformat(sep=" ", timespec="seconds"),
    )
    cells = "".join(
        f'<td data-label="{column}">{value}</td>'
        for column, value in zip(_COLUMNS, values, strict=True)
    )
    return f"<tr>{cells}</tr>\n"


def invite_page(accepted: Accepted) -> HTMLResponse:
    """The page that an invite link opens."""
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
    """The page of an unknown invite."""
    return _page("No such invite", "The stand-in knows no invite under this link.", status=404)


def page_in_between(status: int) -> HTMLResponse:
    """A page as a firewall or a maintenance mode shows it in the platform's place."""
    mitigated = {"cf-mitigated": "challenge"} if status == HTTPStatus.FORBIDDEN else {}
    return HTMLResponse(
        "<!doctype html>\n<title>Just a moment...</title>\n<p>One more step, please.</p>\n",
        status,
        headers=mitigated,
    )


def _page(title: str, *paragraphs: str, status: int) -> HTMLResponse:
    text = "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)
    return _html(title, text, status=status)


def _html(title: str, text: str, *, status: int = 200, script: str = "") -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{title}</h1>\n{text}</main>\n{script}</body>\n</html>\n",
        status,
        headers=_HEADERS,
    )
