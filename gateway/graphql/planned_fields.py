"""The root fields that plans support, and how each calls the core."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, cast

from gateway.graphql.allowance import Place
from gateway.graphql.application_fields import read_application, read_applications
from gateway.graphql.application_reads import Info
from gateway.graphql.application_types import ApplicationFilter
from gateway.graphql.arguments import Arguments
from gateway.graphql.context import RequestContext
from gateway.graphql.invite_check import check_draft
from gateway.graphql.results import counted
from gateway.graphql.root import gateway_info, invite_list
from gateway.graphql.selections import PlannedInfo, snake_case
from gateway.graphql.track_fields import read_track_of
from gateway.invites.inputs import InviteDraft
from gateway.invites.models import InviteFormat

Resolve: TypeAlias = Callable[[RequestContext, Place, Arguments], Awaitable[object]]

_FORMATS: Mapping[str, InviteFormat] = InviteFormat.__members__


def _invite(context: RequestContext, _: Place, arguments: Arguments) -> Awaitable[object]:
    given = arguments["input"]
    return context.invite(_draft(given, given))


async def _invite_list(context: RequestContext, _: Place, arguments: Arguments) -> object:
    given = arguments["input"]
    drafts = [_draft(candidate, given) for candidate in given["candidates"]]
    results = await invite_list(context, drafts)
    return counted(results, results)


async def _application(context: RequestContext, place: Place, arguments: Arguments) -> object:
    return await read_application(_info(context, place), **_keywords(arguments))


async def _applications(context: RequestContext, place: Place, arguments: Arguments) -> object:
    given = _keywords(arguments)
    narrowed = given.get("filter")
    if narrowed is not None:
        given["filter"] = ApplicationFilter(**_keywords(narrowed))
    return await read_applications(_info(context, place), **given)


async def _track(context: RequestContext, place: Place, arguments: Arguments) -> object:
    return await read_track_of(_info(context, place), **_keywords(arguments))


async def _check_invite(context: RequestContext, place: Place, arguments: Arguments) -> object:
    given = arguments["input"]
    return check_draft(_info(context, place), _draft(given, given))


async def _gateway(context: RequestContext, place: Place, _: Arguments) -> object:
    return gateway_info(_info(context, place))


PLANNED: Mapping[str, Resolve] = {
    "inviteCandidate": _invite,
    "inviteCandidates": _invite_list,
    "application": _application,
    "applications": _applications,
    "track": _track,
    "checkInvite": _check_invite,
    "gateway": _gateway,
}


def _draft(candidate: Arguments, of: Arguments) -> InviteDraft:
    format_ = of.get("inviteFormat")
    return InviteDraft(
        candidate["candidateName"],
        candidate["candidateEmail"],
        of["trackId"],
        InviteFormat.GET_LINK if format_ is None else _FORMATS[format_],
        candidate.get("idempotencyKey"),
    )


def _info(context: RequestContext, place: Place) -> Info:
    return cast("Info", PlannedInfo(context, place))


def _keywords(arguments: Arguments) -> dict[str, Any]:
    return {snake_case(name): value for name, value in arguments.items()}
