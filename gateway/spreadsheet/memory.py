"""The store's permanent records of the people whom `gateway invite` has invited."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from gateway.invites.doubt import Doubt
from gateway.invites.models import InviteErrorCode, InviteFailure, InviteOutcome
from gateway.invites.record import Record, State, first_claim, settled
from gateway.invites.stored_result import pack
from gateway.settings.store_url import SQLITE
from gateway.spreadsheet.standing import REPORTED

if TYPE_CHECKING:
    from gateway.invites.identity import Identity
    from gateway.invites.models import InviteRequest
    from gateway.invites.records import Records
    from gateway.settings.model import Settings

_REPORTED: Final = InviteFailure(
    InviteErrorCode.ALREADY_INVITED,
    REPORTED,
    InviteOutcome.INVITED,
    retryable=False,
)
_FOLDER: Final = "track-invite-gateway"
_FILE: Final = "invites.db"


def data_folder() -> Path:
    """The user's folder for application data."""
    from platformdirs import user_data_path  # noqa: PLC0415 - one command needs it

    return user_data_path(_FOLDER, appauthor=False)


def with_own_store(settings: Settings) -> Settings:
    """The settings, with the user's own store unless they name one."""
    if settings.model_fields_set & {"store_url", "store_url_file"}:
        return settings
    return settings.model_copy(update={"store_url": SecretStr(_own_url())})


def is_own_store(settings: Settings) -> bool:
    return settings.store_url.get_secret_value() == _own_url()


def _own_url() -> str:
    return f"{SQLITE}{data_folder() / _FILE}"


def account_of(upstream_url: str, name: str | None = None) -> str:
    """The account that records belong to: the platform's host, and a name if given.

    Not the API key: with a new key the account is still the same, and must not invite twice.
    """
    host = urlsplit(upstream_url).netloc.rpartition("@")[2].lower()
    return host if name is None else f"{host} {name}"


class Memory:
    """The store's records by person."""

    def __init__(self, records: Records, account: str) -> None:
        self._records = records
        self._account = account

    async def record_of(self, request: InviteRequest) -> Record | None:
        """Raises StoreUnavailableError."""
        return await self._records.store.read(self._identity(request).record_id)

    async def settles_at(self, request: InviteRequest, *, quiet_seconds: float) -> float | None:
        """When a look-up may settle the record in doubt, if that is known.

        Raises StoreUnavailableError.
        """
        record = await self.record_of(request)
        if record is None:
            return None
        if record.state is State.SENDING:
            return record.lease_until
        if record.doubt is Doubt.NOT_LISTED and record.absent is not None:
            return record.absent.wall + quiet_seconds
        return None

    async def adopt(self, request: InviteRequest) -> None:
        """Add a record for a person who has none, but is invited according to a report.

        Raises StoreUnavailableError.
        """
        now = time.time()
        claim = first_claim(self._identity(request), now=now, lease_seconds=0)
        record = settled(claim, State.INVITED, now=now, answer=pack(_REPORTED))
        await self._records.store.insert(record)

    def _identity(self, request: InviteRequest) -> Identity:
        return self._records.hasher.identify_person(request, account=self._account)
