"""What lives as long as the process: upstream, store, inviter, reconciler."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from gateway.access.rate_limits import RateLimits, rate_limits_of
from gateway.applications.reader import Reader
from gateway.applications.reads import Applications
from gateway.background import aside, end
from gateway.invites.admission import Admission
from gateway.invites.anomalies import Anomalies
from gateway.invites.breaker import Breaker, BreakerLimits
from gateway.invites.bulk import BulkInviter, PacedInviter
from gateway.invites.evidence import Rules
from gateway.invites.inputs import ignored, load_long_check
from gateway.invites.invite import Inviter
from gateway.invites.keyed import KeyedInviter
from gateway.invites.outcomes import Verdict
from gateway.invites.pace import Pace, Paces
from gateway.invites.read_back import ReadBack
from gateway.invites.reconciler import Reconciler
from gateway.invites.records import Records
from gateway.invites.retries import RetryPolicy
from gateway.invites.sender import Sender, SendLimits
from gateway.invites.store import Store, StoreUnavailableError
from gateway.invites.stored_result import FINAL_REFUSALS
from gateway.invites.witness import WitnessLooks
from gateway.settings.time_zone import zone_of
from gateway.stores.opening import records_of
from gateway.upstream.api_key import ApiKeyFile, FixedApiKey
from gateway.upstream.client import client_for
from gateway.upstream.contract import ApiKey, Upstream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.invites.inputs import InviteEnded
    from gateway.invites.models import Anomaly, InviteRequest
    from gateway.settings.model import Settings
    from gateway.upstream.call import Call, CallObserver
    from gateway.upstream.wire import Exchange

_SECONDS_PER_HOUR: Final = 3600
_PING_LASTS_SECONDS: Final = 1.0
# Callers' reads get connections on top of these, so that no look-up waits for them.
_LIST_CONNECTIONS: Final = 4
# By then a first request that was waiting has had its response.
_WARM_UP_AFTER_SECONDS: Final = 1.0


class Service:
    """The core and what it needs, made from the settings; `start` before use, `stop` after.

    `for_one_list` is for a single list without callers, which has time and may be run again: it
    waits for the operator's limits too, sends refused invites again on the next run, and invites
    each person only once, for ever. `announce` is awaited before each invite is sent; if it
    returns False, nothing is sent.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        upstream: Upstream | None = None,
        applicants: Upstream | None = None,
        store: Store | None = None,
        retried: Callable[[], None] = lambda: None,
        anomaly: Callable[[Anomaly], None] = lambda _: None,
        ended: InviteEnded = ignored,
        ended_in_list: InviteEnded = ignored,
        for_one_list: bool = False,
        announce: Callable[[InviteRequest], Awaitable[bool]] | None = None,
    ) -> None:
        self._settings = settings
        self._retried = retried
        self._anomalies = Anomalies(anomaly)
        self._ended = ended
        self._for_one_list = for_one_list
        self._announce = announce
        self._upstream = upstream or upstream_of(settings)
        # Separate connections, so that no invite waits for a look-up.
        self._list = applicants or list_of(settings)
        self.records = records_of(settings, store=store)
        self.read_back = _read_back(settings, self._list, self.records)
        self._witness_looks = _witness_looks(settings, self.read_back, self.records)
        self.breaker = _breaker(settings)
        self.requests = _admission(settings)
        self.calls = _admission(settings)
        self.rate_limits = rate_limits_of(settings)
        self._send_limits = _send_limits(settings, self.rate_limits)
        self.inviter = self._inviter(RetryPolicy(attempts=settings.retry_attempts))
        self.paced = self._paced()
        self.bulk = BulkInviter(
            self.paced,
            most=settings.max_candidates,
            timeout_seconds=settings.request_timeout_seconds,
            ended=ended_in_list,
            key_required=settings.require_idempotency_key,
        )
        self.applications = _applications(settings, self._list)
        self.reconciler = Reconciler(
            self.records,
            self.read_back,
            keep_seconds=settings.idempotency_hours * _SECONDS_PER_HOUR,
        )
        self._reconciling: asyncio.Task[None] | None = None
        self._warming_up: asyncio.Task[None] | None = None
        self._started = False
        self._pinged_at = -_PING_LASTS_SECONDS
        self._pinging: asyncio.Task[bool] | None = None

    async def start(self) -> None:
        """Open the store and start the reconciler; StoreError says why that failed."""
        await self.records.open()
        self._started = True
        self._reconciling = asyncio.create_task(
            self.reconciler.run(interval_seconds=self._settings.reconcile_seconds)
        )
        self._warming_up = asyncio.create_task(_warm_up())

    async def stop(self) -> None:
        """Finish the invites in progress, then close store and upstream."""
        self._started = False
        for task in (self._reconciling, self._warming_up):
            if task is not None:
                await end(task)
        await self.inviter.drain()
        await self.paced.drain()
        await self.records.close()
        await self._list.aclose()
        await self._upstream.aclose()
        await self.rate_limits.aclose()

    def ask(self, call: Call) -> Awaitable[Exchange]:
        """Make one read of the platform, on the connections of the look-ups."""
        return self._list.send(call)

    def reread(self) -> None:
        """Check now for a new upstream key."""
        self._upstream.reread_api_key()
        self._list.reread_api_key()

    async def is_ready(self) -> bool:
        """Whether an invite with a key could be recorded now."""
        if not self._started:
            return False
        # Probes must not load the disk, nor queue up while it hangs.
        if time.monotonic() - self._pinged_at < _PING_LASTS_SECONDS:
            return True
        if self._pinging is None or self._pinging.done():
            self._pinging = asyncio.create_task(self._can_record())
        return await asyncio.shield(self._pinging)

    async def _can_record(self) -> bool:
        try:
            await self.records.store.ping()
        except StoreUnavailableError:
            return False
        self._pinged_at = time.monotonic()
        return True

    def _paced(self) -> PacedInviter:
        # When the upstream limits calls, the pace makes the whole list wait: an attempt that waited
        # by itself would only occupy a place.
        policy = RetryPolicy(
            attempts=self._settings.retry_attempts, after=frozenset({Verdict.NOT_SENT})
        )
        return PacedInviter(
            self._inviter(policy),
            Paces(lambda: Pace(self._settings.bulk_concurrency)),
            attempt_seconds=self._settings.request_timeout_seconds,
            waits_for_operators_limits=self._for_one_list,
        )

    def _inviter(self, policy: RetryPolicy) -> Inviter:
        settings, looks = self._settings, self._witness_looks
        sender = Sender(
            self._upstream,
            timeout_seconds=settings.upstream_timeout_seconds,
            policy=policy,
            breaker=self.breaker,
            limits=self._send_limits,
            retried=self._retried,
            anomalies=self._anomalies,
            limited=looks.limited if looks is not None else lambda _: None,
            announce=self._announce,
        )
        keyed = KeyedInviter(
            records=self.records,
            sender=sender,
            admission=self.calls,
            read_back=self.read_back,
            witness_looks=looks,
            lease_seconds=settings.lease_seconds,
            final_refusals=frozenset() if self._for_one_list else FINAL_REFUSALS,
            by_person=self._for_one_list,
        )
        return Inviter(
            sender,
            admission=self.calls,
            keyed=keyed,
            timeout_seconds=settings.request_timeout_seconds,
            ended=self._ended,
            key_required=settings.require_idempotency_key,
        )


async def _warm_up() -> None:
    await asyncio.sleep(_WARM_UP_AFTER_SECONDS)
    await aside(load_long_check)


def list_of(settings: Settings, *, observe: CallObserver | None = None) -> Upstream:
    """The client that reads the upstream's list."""
    connections = _LIST_CONNECTIONS + _read_concurrency(settings)
    return _client(settings, connections=connections, observe=observe)


def upstream_of(settings: Settings, *, observe: CallObserver | None = None) -> Upstream:
    """The client that the settings name."""
    return _client(settings, connections=settings.upstream_concurrency, observe=observe)


def _client(settings: Settings, *, connections: int, observe: CallObserver | None) -> Upstream:
    return client_for(
        settings.upstream_url,
        api_key=_api_key(settings),
        api_key_header=settings.upstream_api_key_header,
        concurrency=connections,
        ca_file=settings.upstream_ca_file,
        kind=settings.upstream_client,
        observe=observe,
    )


def _read_back(settings: Settings, applicants: Upstream, records: Records) -> ReadBack | None:
    # With forwarded keys the list belongs to the caller's account: the gateway cannot read it.
    if not settings.read_back or settings.forwards_keys:
        return None
    zone = settings.upstream_time_zone
    rules = Rules(
        quiet_seconds=settings.read_back_quiet_seconds,
        list_shows_invited=settings.list_shows_invited,
        time_zone=None if zone is None else zone_of(zone),
    )
    return ReadBack(applicants, records=records, rules=rules)


def _witness_looks(
    settings: Settings, read_back: ReadBack | None, records: Records
) -> WitnessLooks | None:
    if read_back is None or settings.list_shows_invited:
        return None
    return WitnessLooks(records.store, read_back)


def _applications(settings: Settings, applicants: Upstream) -> Applications | None:
    if not settings.applications:
        return None
    # Reading requests occupy places that inviting ones need: some are always left for those.
    places = Admission(
        _read_concurrency(settings),
        queue=settings.upstream_concurrency // 4,
        max_wait_seconds=settings.queue_wait_seconds,
    )
    reader = Reader(
        applicants,
        admission=places,
        policy=RetryPolicy(attempts=settings.retry_attempts, after=frozenset(Verdict)),
        timeout_seconds=settings.upstream_timeout_seconds,
    )
    return Applications(
        reader, most=settings.max_reads, timeout_seconds=settings.request_timeout_seconds
    )


def _read_concurrency(settings: Settings) -> int:
    return min(settings.read_concurrency, max(1, settings.upstream_concurrency // 2))


def _breaker(settings: Settings) -> Breaker | None:
    if not settings.breaker_pause_seconds:
        return None
    limits = BreakerLimits(pause_seconds=settings.breaker_pause_seconds)
    return Breaker(clock=time.monotonic, limits=limits)


def _send_limits(settings: Settings, rate_limits: RateLimits) -> SendLimits:
    each, total = settings.invites_per_minute, settings.upstream_calls_per_minute
    return SendLimits(
        of_sender=None if each is None else rate_limits.limit("invites", each),
        of_all=None if total is None else rate_limits.limit("upstream-calls", total),
    )


def _admission(settings: Settings) -> Admission:
    return Admission(
        settings.upstream_concurrency,
        queue=settings.queue_size,
        max_wait_seconds=settings.queue_wait_seconds,
    )


def _api_key(settings: Settings) -> ApiKey:
    if settings.forwards_keys:
        return FixedApiKey("")
    if settings.upstream_api_key_file is not None:
        return ApiKeyFile(settings.upstream_api_key_file)
    if settings.upstream_api_key is None:
        raise ValueError("settings without an API key")
    return FixedApiKey(settings.upstream_api_key.get_secret_value())
