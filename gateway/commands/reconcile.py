"""`gateway reconcile`: settles records of unknown outcome, or says which stay open and why."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

from gateway.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.invites.reconciler import OpenRecord, Report
    from gateway.settings.model import Settings

_LONGEST_WAIT_SECONDS: Final = 30.0
_SHOWN_DIGITS: Final = 12


def reconcile(
    settings: Settings, *, wait: bool, progress: Callable[[str], None] | None = None
) -> Report:
    """One pass, or with `wait` as many as may still settle something. Raises StoreError.

    It waits at most for the lease and the quiet period of records that are open at its start, not
    for attempts that running gateways begin meanwhile.
    """
    return asyncio.run(_reconcile(settings, wait=wait, progress=progress))


async def _reconcile(
    settings: Settings, *, wait: bool, progress: Callable[[str], None] | None
) -> Report:
    service = Service(settings)
    await service.records.open()
    try:
        give_up_at = time.monotonic() + _longest(settings)
        report = await service.reconciler.reconcile()
        while wait and report.worth_waiting and time.monotonic() < give_up_at:
            if progress is not None:
                progress(_progress(report))
            await asyncio.sleep(min(settings.read_back_quiet_seconds, _LONGEST_WAIT_SECONDS))
            report = _added(report, await service.reconciler.reconcile())
        return report
    finally:
        await service.stop()


def _longest(settings: Settings) -> float:
    # Each of the two look-ups may be late by up to one wait.
    return settings.lease_seconds + settings.read_back_quiet_seconds + 2 * _LONGEST_WAIT_SECONDS


def _added(before: Report, after: Report) -> Report:
    after.invited += before.invited
    after.released += before.released
    return after


def _progress(report: Report) -> str:
    waiting = len(report.open) + report.in_flight
    return f"{report.invited} invited, {report.released} not sent, {waiting} to be looked at again"


def as_json(report: Report) -> str:
    """The report for machines."""
    return json.dumps(
        {
            "final": report.final,
            "invited": report.invited,
            "released": report.released,
            "inFlight": report.in_flight,
            "open": [_entry(left) for left in report.open],
        }
    )


def as_text(report: Report) -> str:
    """The report for people."""
    summary = (
        f"{report.invited} had been invited, {report.released} had not been sent;"
        f" {report.in_flight} in progress, {len(report.open)} open."
    )
    return "\n".join([summary, *(_line(_entry(left)) for left in report.open)])


def _line(entry: dict[str, object]) -> str:
    place = f"{entry['record']}  track {entry['trackId']}"
    return f"  {place}  {entry['ageSeconds']} s old: {entry['why']}"


def _entry(left: OpenRecord) -> dict[str, object]:
    return {
        "record": left.record.record_id.hex()[:_SHOWN_DIGITS],
        "trackId": str(left.record.track_id),
        "attempt": left.record.attempt,
        "ageSeconds": round(time.time() - left.record.first_sent_at),
        "doubt": left.why.value,
        "why": left.why.description,
    }
