"""Reads from the upstream, with admission, attempts and a deadline."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from gateway.applications.failures import (
    ReadFailure,
    failure_of,
    is_tried_again,
    judge_read,
    overloaded,
)
from gateway.invites.admission import OverloadedError
from gateway.invites.retries import RetryBudget
from gateway.upstream.applications import read_application, read_application_page
from gateway.upstream.call import applicant_call, applicants_call, stats_call
from gateway.upstream.tracks import read_track
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from gateway.applications.models import (
        ApplicationDetails,
        ApplicationKey,
        ApplicationPage,
        Track,
    )
    from gateway.invites.admission import Admission
    from gateway.invites.deadline import Deadline
    from gateway.invites.retries import RetryPolicy
    from gateway.upstream.call import Call
    from gateway.upstream.contract import Upstream

    Ask: TypeAlias = Callable[[float], Call]

_Found = TypeVar("_Found")


class Reader:
    """Reads applications and tracks; one for the life of the process.

    A read changes nothing, so it may be tried again after any failure. `admission` bounds the
    reads in progress, those that wait for another attempt included.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        admission: Admission,
        policy: RetryPolicy,
        timeout_seconds: float,
        budget: RetryBudget | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._upstream = upstream
        self._admission = admission
        self._policy = policy
        self._timeout_seconds = timeout_seconds
        self._budget = budget or RetryBudget()
        self._now = now

    async def page(
        self,
        track_id: int,
        narrowed: Mapping[str, str],
        *,
        page: int,
        per_page: int,
        deadline: Deadline,
        api_key: str | None = None,
    ) -> ApplicationPage | ReadFailure:
        """One page of a track's list; pages are counted from 1."""
        query = {**narrowed, "page": str(page), "per_page": str(per_page)}

        def ask(seconds: float) -> Call:
            return applicants_call(track_id, query, timeout_seconds=seconds, api_key=api_key)

        def read(reply: Reply) -> ApplicationPage | None:
            return read_application_page(reply, page=page, per_page=per_page)

        return await self._read(ask, read, deadline=deadline, own_key=api_key is None)

    async def one(
        self, key: ApplicationKey, *, deadline: Deadline, api_key: str | None = None
    ) -> ApplicationDetails | ReadFailure:
        """One application with its details."""

        def ask(seconds: float) -> Call:
            return applicant_call(*key, timeout_seconds=seconds, api_key=api_key)

        def read(reply: Reply) -> ApplicationDetails | None:
            return read_application(reply, track_id=key.track_id, application_id=key.application_id)

        return await self._read(ask, read, deadline=deadline, own_key=api_key is None)

    async def track(
        self, track_id: int, *, deadline: Deadline, api_key: str | None = None
    ) -> Track | ReadFailure:
        """A track's name and whether it accepts invites."""

        def ask(seconds: float) -> Call:
            return stats_call(track_id, timeout_seconds=seconds, api_key=api_key)

        def read(reply: Reply) -> Track | None:
            return read_track(reply, track_id=track_id)

        return await self._read(ask, read, deadline=deadline, own_key=api_key is None)

    async def _read(
        self, ask: Ask, read: Callable[[Reply], _Found | None], *, deadline: Deadline, own_key: bool
    ) -> _Found | ReadFailure:
        try:
            async with self._admission.place(max_wait_seconds=deadline.seconds_left):
                return await self._attempts(ask, read, deadline, own_key=own_key)
        except OverloadedError as error:
            return overloaded(error.retry_after_seconds)

    async def _attempts(
        self, ask: Ask, read: Callable[[Reply], _Found | None], deadline: Deadline, *, own_key: bool
    ) -> _Found | ReadFailure:
        self._budget.earn()
        attempts = 0
        while True:
            exchange = await self._ask(ask, deadline, own_key=own_key)
            found = read(exchange) if isinstance(exchange, Reply) else None
            if found is not None:
                return found
            attempts += 1
            judgement = judge_read(exchange, now=self._now)
            again = replace(judgement, retryable=is_tried_again(exchange, judgement))
            wait = self._policy.wait_before_next(
                again, attempts=attempts, seconds_left=deadline.seconds_left
            )
            if wait is None or not self._budget.spend():
                return failure_of(judgement)
            await asyncio.sleep(wait)

    async def _ask(self, ask: Ask, deadline: Deadline, *, own_key: bool) -> Exchange:
        exchange = await self._ask_once(ask, deadline)
        refused = isinstance(exchange, Reply) and exchange.status == HTTPStatus.UNAUTHORIZED
        if refused and own_key and self._upstream.reread_api_key():
            return await self._ask_once(ask, deadline)
        return exchange

    async def _ask_once(self, ask: Ask, deadline: Deadline) -> Exchange:
        seconds_left = deadline.seconds_left
        if seconds_left <= 0:
            return NoReply(Fault.DEADLINE, possibly_sent=False)
        return await self._upstream.send(ask(min(self._timeout_seconds, seconds_left)))
