"""The commands: `gateway dev | serve | sandbox | schema | token | check`."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

from gateway import __version__
from gateway.settings import PREFIX, Settings, SettingsError, load_settings

WRONG_SETTINGS = 2
port_option = click.IntRange(0, 65535)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are read from GATEWAY_* variables and a .env file; see `gateway check`.",
)
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Invite candidates to recruiting tracks through GraphQL."""


@main.command()
@click.option("--port", type=port_option, default=8000, show_default=True, help="0 picks one.")
@click.option("--verbose", is_flag=True, help="Logs requests and invites too.")
def dev(port: int, *, verbose: bool) -> None:
    """Try it: the gateway with a stand-in for the recruiting platform.

    Needs no account and no settings, listens on this machine only, and e-mails nobody. Invites
    a sample candidate and shows how to invite the next one.
    """
    from gateway.dev import run_dev  # noqa: PLC0415 - keeps the other commands quick

    with _one_line_errors():
        run_dev(port, verbose=verbose)


@main.command()
def serve() -> None:
    """Run the gateway in production, from the settings."""
    from gateway.reconciling import prepare_store  # noqa: PLC0415 - keeps the others quick
    from gateway.running import serve_gateway  # noqa: PLC0415 - keeps the other commands quick

    settings = _settings()
    with _one_line_errors():
        prepare_store(settings)
        serve_gateway(settings)


@main.command()
@click.option("--port", type=port_option, default=8001, show_default=True, help="0 picks one.")
def sandbox(port: int) -> None:
    """Run only the stand-in for the recruiting platform.

    Its API key is `sandbox-key`. GET /sandbox/invites lists what it has accepted.
    """
    from gateway.sandbox import serve_sandbox  # noqa: PLC0415 - keeps the other commands quick

    serve_sandbox(port)


@main.command()
@click.option(
    "--check",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Exit with 1 and a diff if FILE is not what would be printed.",
    metavar="FILE",
)
def schema(file: Path | None) -> None:
    """Print the GraphQL schema."""
    from gateway.graphql.schema import printed_schema  # noqa: PLC0415 - keeps the others quick

    printed = printed_schema()
    if file is None:
        click.echo(printed, nl=False)
        return
    try:
        written = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read: {_reason(error)}") from None
    diff = difflib.unified_diff(
        written.splitlines(), printed.splitlines(), str(file), "gateway schema", lineterm=""
    )
    if written != printed:
        click.echo("\n".join(diff))
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("name")
def token(name: str) -> None:
    """Make an access token for the caller NAME.

    Prints the token, which is stored nowhere, and the line for the GATEWAY_AUTH_TOKENS_FILE.
    """
    from gateway.api_tokens import new_token, token_line  # noqa: PLC0415 - keeps the others quick

    made = new_token()
    try:
        line = token_line(name, made)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    click.echo("The token, for the caller alone; it is shown this once:", err=True)
    click.echo(made)
    click.echo("The line for the file that GATEWAY_AUTH_TOKENS_FILE names:", err=True)
    click.echo(line)


@main.command()
def check() -> None:
    """Check the settings and print them, secrets hidden."""
    settings = _settings()
    width = max(len(name) for name in Settings.model_fields) + len(PREFIX)
    for name in Settings.model_fields:
        click.echo(f"{PREFIX + name.upper():<{width}}  {_shown(getattr(settings, name))}")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report for machines.")
@click.option("--wait/--no-wait", default=True, help="Look again where that may settle more.")
@click.pass_context
def reconcile(context: click.Context, *, as_json: bool, wait: bool) -> None:
    """Find out what became of invites whose end is unknown.

    Exits with 1 if some are left, and says which and why. With a SQLite file the gateway must
    not be running; it does this by itself while it is.
    """
    from gateway import reconciling  # noqa: PLC0415 - keeps the other commands quick

    settings = _settings()
    with _one_line_errors():
        report = reconciling.reconcile(
            settings, wait=wait, progress=_show_progress if sys.stderr.isatty() else None
        )
    click.echo(reconciling.as_json(report) if as_json else reconciling.as_text(report))
    context.exit(0 if report.final else 1)


def _show_progress(text: str) -> None:
    click.echo(text, err=True)


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    from gateway.graphql.explorer import ExplorerFilesError  # noqa: PLC0415 - as below
    from gateway.invites.idempotency import StoreError  # noqa: PLC0415 - as below
    from gateway.running import ListenError  # noqa: PLC0415 - keeps the other commands quick

    try:
        yield
    except (ExplorerFilesError, ListenError, StoreError) as error:
        raise click.ClickException(str(error)) from None


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _refuse(error)


def _refuse(error: SettingsError) -> NoReturn:
    click.echo("The settings are not right:", err=True)
    for fault in error.faults:
        click.echo(f"  {fault}", err=True)
    sys.exit(WRONG_SETTINGS)


def _shown(value: Any) -> str:
    match value:
        case None | ():
            return "-"
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
    return str(value)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "" if isinstance(error, OSError) else "it is not UTF-8"
