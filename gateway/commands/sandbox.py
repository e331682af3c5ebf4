"""`gateway sandbox`: the stand-in alone, behaving as its options say."""

from __future__ import annotations

from gateway.sandbox import (
    EmailFilter,
    Listed,
    Platform,
    SecondInvite,
    Times,
    serve_sandbox,
)


def serve(
    port: int,
    *,
    second_invite: str,
    listed: str,
    late_seconds: float,
    times: str,
    email_filter: str,
    page: str | None,
    rate_limit: int | None,
    rate_seconds: float,
) -> None:
    """Serves the stand-in until Ctrl-C or SIGTERM; the arguments are the options' values."""
    platform = Platform(
        SecondInvite(second_invite),
        Listed(listed),
        late_seconds,
        Times(times),
        EmailFilter(email_filter),
        None if page is None else int(page),
        rate_limit,
        rate_seconds,
    )
    serve_sandbox(port, platform)
