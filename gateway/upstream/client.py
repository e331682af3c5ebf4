"""Chooses the client that calls the upstream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gateway.upstream.call import CallObserver
from gateway.upstream.contract import ApiKey, Upstream
from gateway.upstream.direct.client import DirectUpstream
from gateway.upstream.proxy import proxy_for

if TYPE_CHECKING:
    from gateway.upstream.httpx_client import HttpxUpstream


def client_for(
    url: str,
    *,
    api_key: ApiKey,
    api_key_header: str,
    concurrency: int,
    ca_file: Path | None = None,
    kind: Literal["direct", "httpx2"] = "direct",
    observe: CallObserver | None = None,
) -> Upstream:
    """The client for the upstream's base URL; behind a proxy it is always httpx2's.

    `observe` is called before each call.
    """
    behind_proxy = proxy_for(url) is not None
    client = _httpx() if behind_proxy or kind == "httpx2" else DirectUpstream
    return client(
        url,
        api_key=api_key,
        api_key_header=api_key_header,
        concurrency=concurrency,
        ca_file=ca_file,
        observe=observe,
    )


def _httpx() -> type[HttpxUpstream]:
    # Imported only if needed: its library takes time and memory.
    from gateway.upstream.httpx_client import HttpxUpstream  # noqa: PLC0415 - see above

    return HttpxUpstream
