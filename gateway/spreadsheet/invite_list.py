"""What `gateway invite` is to do: the candidates of a spreadsheet, each with a key of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from gateway.invites.bulk import checked_list
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InputIssue, InviteFormat, InviteRequest
from gateway.spreadsheet.candidates import Candidate

Checked: TypeAlias = InviteRequest | tuple[InputIssue, ...]

FORMATS: Final = {"get-link": InviteFormat.GET_LINK, "send-link": InviteFormat.SEND_LINK}
_COLUMNS: Final = {"candidate_name": "name", "candidate_email": "e-mail"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Whom to invite, where to and how."""

    candidates: Sequence[Candidate]
    track: str
    format: str

    def checked(self) -> list[tuple[Candidate, Checked]]:
        """Each candidate ready to be sent, or all that is wrong with the line."""
        drafts = [
            InviteDraft(one.name, one.email, self.track, FORMATS[self.format])
            for one in self.candidates
        ]
        numbers = [one.line for one in self.candidates]
        checked = checked_list(drafts, called="line", numbers=numbers)
        return list(zip(self.candidates, map(_keyed, checked), strict=True))


def issue_line(issue: InputIssue) -> str:
    """What is wrong, with the column's name."""
    return f"{_COLUMNS.get(issue.field, issue.field)}: {issue.message}"


def with_key(request: InviteRequest) -> InviteRequest:
    """`request` with the key of its content, wherever in whichever file the line stands."""
    content = [
        request.track_id,
        request.invite_format.value,
        request.candidate_name,
        request.candidate_email,
    ]
    key = "csv-" + hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return replace(request, idempotency_key=key)


def _keyed(checked: Checked) -> Checked:
    return with_key(checked) if isinstance(checked, InviteRequest) else checked
