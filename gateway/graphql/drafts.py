"""The schema's inputs as drafts for the core."""

import strawberry

from gateway.graphql.types import CandidateInput, InviteCandidateInput, InviteCandidatesInput
from gateway.invites.inputs import InviteDraft


def draft_of(given: InviteCandidateInput) -> InviteDraft:
    return InviteDraft(
        candidate_name=given.candidate_name,
        candidate_email=given.candidate_email,
        track_id=given.track_id,
        invite_format=given.invite_format,
        idempotency_key=_key(given.idempotency_key),
    )


def drafts_of(given: InviteCandidatesInput) -> list[InviteDraft]:
    return [_draft(candidate, given) for candidate in given.candidates]


def _draft(candidate: CandidateInput, of: InviteCandidatesInput) -> InviteDraft:
    return InviteDraft(
        candidate_name=candidate.candidate_name,
        candidate_email=candidate.candidate_email,
        track_id=of.track_id,
        invite_format=of.invite_format,
        idempotency_key=_key(candidate.idempotency_key),
    )


def _key(given: str | None) -> str | None:
    return None if given is strawberry.UNSET else given
