"""`gateway dev`: the gateway and the stand-in on one machine, without an account."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
import shutil
import socket
import textwrap
from collections.abc import AsyncIterator
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

import click
from pydantic import SecretStr, ValidationError
from uvicorn.loops.auto import auto_loop_factory

from gateway.app import create_app
from gateway.operator_error import OperatorError
from gateway.sandbox import API_KEY, create_sandbox, running_sandbox
from gateway.sandbox.failures import FAILURES, Mishap
from gateway.server.config import running_gateway
from gateway.server.listen import listen
from gateway.settings.loading import given_values
from gateway.settings.model import CodedSettings, Settings
from gateway.settings.store_url import IN_MEMORY
from gateway.stop_signals import stop_signals
from gateway.telemetry.logs import configure_logging

LOOPBACK = "127.0.0.1"
_WIDTH: Final = 100

INTRODUCTION = (
    "The gateway and a stand-in for the recruiting platform are running on this machine. Nobody is"
    " e-mailed. A first candidate has just been invited:"
)
SAMPLE_DOCUMENT = """\
mutation Invite($input: InviteCandidateInput!) {
  inviteCandidate(input: $input) {
    __typename
    ... on InviteCandidateSuccess {
      invite { applicationId email inviteLink inviteStatus name trackId }
      replayed
    }
    ... on InviteError { code message outcome retryable }
    ... on InvalidInputError { issues { field message } }
  }
}"""
SAMPLE_VARIABLES = {
    "input": {
        "candidateName": "Ada Lovelace",
        "candidateEmail": "ada@example.com",
        "trackId": 6578,
    }
}


def run_dev(port: int, *, verbose: bool = False) -> None:
    """Serve the gateway and the stand-in until Ctrl-C or SIGTERM.

    Raises ListenError.
    """
    configure_logging(logging.INFO if verbose else logging.WARNING)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_run(_listen(port), verbose=verbose))


def _listen(port: int) -> list[socket.socket]:
    try:
        return listen(LOOPBACK, port)
    except OperatorError as error:
        raise OperatorError(f"{error}; choose another with --port, 0 for any") from None


async def _run(listening: list[socket.socket], *, verbose: bool) -> None:
    stop = asyncio.Event()
    with stop_signals(stop.set, hangup=False):
        async with _running(listening, verbose=verbose) as (gateway, sandbox):
            response = await asyncio.to_thread(_invite, gateway)
            click.echo(_welcome(gateway, sandbox, response))
            await stop.wait()
    click.echo("\nStopped.")


@contextlib.asynccontextmanager
async def _running(
    listening: list[socket.socket], *, verbose: bool
) -> AsyncIterator[tuple[str, str]]:
    port = listening[0].getsockname()[1]
    beside = _free_port(port + 1)
    async with running_sandbox(create_sandbox(), port=beside) as sandbox:
        settings = dev_settings(sandbox, verbose=verbose, cors_origins=_origins())
        # A page in development is served from another port of this machine.
        app = create_app(settings, platform="stand-in", cors_loopback=True)
        async with running_gateway(app, settings, listening) as gateway:
            yield gateway, sandbox


def _origins() -> tuple[str, ...]:
    """Further allowed origins: the only setting that is read."""
    try:
        return CodedSettings(
            upstream_api_key=SecretStr(API_KEY),
            auth="none",
            cors_origins=given_values().get("cors_origins", ()),
        ).cors_origins
    except ValidationError as error:
        raise OperatorError(f"GATEWAY_CORS_ORIGINS: {error.errors()[0]['msg']}") from None


def dev_settings(
    sandbox: str, *, verbose: bool = False, cors_origins: tuple[str, ...] = ()
) -> Settings:
    """The settings of `gateway dev`, without the environment and a `.env` file."""
    return CodedSettings(
        upstream_url=sandbox,
        upstream_api_key=SecretStr(API_KEY),
        auth="none",
        explorer=True,
        introspection=True,
        cors_origins=cors_origins,
        log_level="info" if verbose else "warning",
        log_format="text",
        # Records are lost at the end, and no file is left behind.
        store_url=SecretStr(IN_MEMORY),
    )


def _free_port(wanted: int) -> int:
    """The port if it is free, or 0 for any."""
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, wanted))
        except (OSError, OverflowError):
            return 0
    return wanted


def _invite(gateway: str) -> str:
    """Invite the sample candidate as a frontend would, over HTTP."""
    body = json.dumps({"query": SAMPLE_DOCUMENT, "variables": SAMPLE_VARIABLES})
    headers = {"content-type": "application/json", "accept": "application/json"}
    with contextlib.closing(HTTPConnection(urlsplit(gateway).netloc, timeout=10)) as connection:
        connection.request("POST", "/graphql", body, headers)
        return json.dumps(json.load(connection.getresponse()), indent=2)


def _welcome(gateway: str, sandbox: str, response: str) -> str:
    def heading(text: str) -> str:
        return click.style(text, bold=True)

    return "\n\n".join(
        [
            _filled(INTRODUCTION),
            heading("Mutation") + "\n" + SAMPLE_DOCUMENT,
            heading("Variables") + "\n" + json.dumps(SAMPLE_VARIABLES, indent=2),
            heading("Response") + "\n" + response,
            heading("Go on") + f"\nExplorer   {gateway}/"
            f"\nGuides     {gateway}/docs  (for frontends: {gateway}/docs/frontends)"
            f"\nEndpoint   {gateway}/graphql"
            f"\nStand-in   {sandbox}/sandbox/invites  (what it has accepted)",
            heading("Or paste this") + "\n" + curl_command(gateway),
            heading("Provoke a failure")
            + "\n"
            + _filled("The part before the @ of the candidate's address selects it:")
            + f"\n{_failures()}\nWhat each of them does: {gateway}/docs/stand-in",
            heading("Develop a page")
            + "\n"
            + _filled(f"Pages served from any port of this machine may call {gateway}/graphql."),
            "Ctrl-C stops both.",
        ]
    )


def _failures() -> str:
    """Each local part that fails, with the reply's status if there is a reply."""
    names = (
        name if isinstance(failure, Mishap) else f"{name} ({failure.status})"
        for name, failure in FAILURES.items()
    )
    return _filled(", ".join(names))


def _filled(text: str) -> str:
    """The text, wrapped to the terminal's width."""
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    return textwrap.fill(text, width, break_on_hyphens=False, break_long_words=False)


def curl_command(gateway: str) -> str:
    """A shell line that invites another candidate."""
    document = " ".join(SAMPLE_DOCUMENT.split())
    variables = {
        "input": {
            "candidateName": "Grace Hopper",
            "candidateEmail": "grace@example.com",
            "trackId": 6578,
        }
    }
    body = json.dumps({"query": document, "variables": variables})
    return (
        f"curl -sS {gateway}/graphql -H 'content-type: application/json' --data {shlex.quote(body)}"
    )
