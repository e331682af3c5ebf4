"""The commands, each as a line that leads to its module.

Each imports what it needs when it is run: the others stay quick, and Ctrl-C during the import
ends it in a word.
"""

from __future__ import annotations

import gc
import getpass
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from gateway import __version__
from gateway.commands.invite_options import invite_options
from gateway.operator_error import OperatorError

INTERRUPTED = 130
_NOT_ON_WINDOWS = (
    "`gateway serve` does not run on Windows: run it on Linux, in WSL or in a container. The other"
    " commands run here."
)
LEAST_DIGITS = 6
port_option = click.IntRange(0, 65535)


class _Commands(click.Group):
    """Ends in a word: with an operator's error, or with the code that shells give to Ctrl-C."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OperatorError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are read from GATEWAY_* variables and a .env file; see `gateway check`.",
)
@click.version_option(__version__, prog_name="gateway")
def main() -> None:
    """Invite candidates to recruiting tracks through GraphQL."""


@main.command()
@click.option("--port", type=port_option, default=8000, show_default=True, help="0 picks one.")
@click.option("--verbose", is_flag=True, help="Also log requests and invites.")
def dev(port: int, *, verbose: bool) -> None:
    """Try the gateway without an account.

    Serves the gateway with a stand-in for the platform, on this machine only, and e-mails nobody.
    Needs no settings. Invites a sample candidate and shows how to invite the next one.
    """
    from gateway.commands.dev import run_dev

    run_dev(port, verbose=verbose)


@main.command()
def serve() -> None:
    """Run the gateway in production."""
    if not hasattr(signal, "SIGHUP"):
        raise OperatorError(_NOT_ON_WINDOWS)
    from gateway.server.signals import hold_early_signals

    hold_early_signals()
    # What is loaded stays: collections meanwhile would only walk it, again and again. The app,
    # once made, has them begin.
    gc.disable()
    # To find plugins that look into the settings, pydantic would read what is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from gateway.checks import checked_settings
    from gateway.commands.serve import (
        prepare_store,
        serve_gateway,
    )

    settings = checked_settings()
    prepare_store(settings)
    sys.exit(serve_gateway(settings))


@main.command()
@click.option("--port", type=port_option, default=8001, show_default=True, help="0 picks one.")
@click.option(
    "--second-invite",
    type=click.Choice(["new", "same", "accepted", "invalid", "conflict"]),
    default="new",
    show_default=True,
    help="How a second invite of a person ends: a new application, the same one with 200 or 202,"
    " 400, 409.",
)
@click.option(
    "--listed",
    type=click.Choice(["at-once", "opened", "late", "never"]),
    default="at-once",
    show_default=True,
    help="When the applicants list shows an invited person.",
)
@click.option(
    "--late-seconds",
    type=click.FloatRange(0, 86_400),
    default=60,
    show_default=True,
    help="With --listed late: after how many seconds.",
)
@click.option(
    "--times",
    type=click.Choice(["utc", "india", "local", "date", "words"]),
    default="utc",
    show_default=True,
    help="How the list writes times; local, date and words name no zone.",
)
@click.option(
    "--email-filter",
    type=click.Choice(["substring", "pattern"]),
    default="substring",
    show_default=True,
    help="How the list's filter matches an address.",
)
@click.option(
    "--page",
    type=click.Choice(["200", "403", "404", "503"]),
    help="Reply to everything with an HTML page of this status, as a firewall may.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Reply 429 with Retry-After to more than N invites in a second.",
)
@click.option(
    "--rate-seconds",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=1,
    show_default=True,
    help="The seconds in which --rate-limit counts.",
)
def sandbox(port: int, **platform: Any) -> None:
    """Run the stand-in for the platform alone.

    Its API key is `sandbox-key`. GET /sandbox/invites lists what it has accepted. The options
    choose what the platform's documentation leaves open.
    """
    from gateway.commands.sandbox import serve

    serve(port, **platform)


@main.command()
@click.option(
    "--check",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Exit with 1 and a diff if FILE differs from the schema.",
    metavar="FILE",
)
@click.option("--federation", is_flag=True, help="As the subgraph of GATEWAY_FEDERATION=true.")
def schema(file: Path | None, *, federation: bool) -> None:
    """Print the GraphQL schema."""
    from gateway.commands.schema import compared
    from gateway.graphql.schema import printed_schema

    if file is None:
        click.echo(printed_schema(federation=federation), nl=False)
    elif difference := compared(file, federation=federation):
        click.echo(difference, nl=False)
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("name")
def token(name: str) -> None:
    """Make an access token for the caller NAME.

    Prints the token, which is stored nowhere, and the line for the file that
    GATEWAY_AUTH_TOKENS_FILE names.
    """
    from gateway.access.token_file import new_token, token_line

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
@click.option("--all", "everything", is_flag=True, help="Also print what is not set.")
@click.option("--connect", is_flag=True, help="Try platform, clock, store and identity provider.")
@click.pass_context
def check(context: click.Context, *, everything: bool, connect: bool) -> None:
    """Check the settings and print them.

    Prints those that are set, with secrets hidden.

    Sends nothing but a read to the platform, and that only with --connect. Exits with 2 if a
    setting is wrong, with 1 if something does not work.
    """
    from gateway.commands.check import check as check_settings

    context.exit(check_settings(everything=everything, connect=connect))


@main.command()
def migrate() -> None:
    """Bring the store's tables up to date.

    Needs GATEWAY_STORE_URL alone, or its file: with PostgreSQL that of a user who may make tables.
    """
    from gateway.commands.migrate import migrate as migrate_store

    migrate_store()
    click.echo("The store is up to date.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report for machines.")
@click.option("--wait/--no-wait", default=True, help="Look again if that may settle more.")
@click.pass_context
def reconcile(context: click.Context, *, as_json: bool, wait: bool) -> None:
    """Look up the invites in doubt.

    Settles those that the platform's list proves. Exits with 1 if some are left, and says
    which and why. With a SQLite file the gateway must not be running; a running gateway does
    this by itself.
    """
    from gateway.checks import checked_settings
    from gateway.commands import reconcile as reconciling

    settings = checked_settings()
    progress = partial(click.echo, err=True) if sys.stderr.isatty() else None
    report = reconciling.reconcile(settings, wait=wait, progress=progress)
    click.echo(reconciling.as_json(report) if as_json else reconciling.as_text(report))
    context.exit(0 if report.final else 1)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list for machines.")
@click.option("--email", metavar="ADDRESS", help="Only those of one candidate.")
def records(*, as_json: bool, email: str | None) -> None:
    """List the invites in doubt.

    These are the records of invites whose outcome is not known yet.

    With a SQLite file the gateway must not be running.
    """
    from gateway.commands import records as listing
    from gateway.commands.migrate import store_settings

    found = listing.records_in_doubt(store_settings(), email=email)
    click.echo(listing.as_json(found) if as_json else listing.as_text(found))


def _digits(_context: click.Context, _parameter: click.Parameter, digits: str) -> str:
    if len(digits) < LEAST_DIGITS or not set(digits.lower()) <= set("0123456789abcdef"):
        raise click.BadParameter(f"at least {LEAST_DIGITS} digits of the record's id")
    return digits.lower()


@main.command()
@click.argument("record", callback=_digits)
@click.argument("ended", type=click.Choice(["invited", "not-invited"]))
@click.option("--application", metavar="ID", help="The application that the invite made.")
@click.option("--by", help="Who states it; your name on this machine if not given.")
def settle(record: str, ended: str, *, application: str | None, by: str | None) -> None:
    """State the outcome of an invite in doubt.

    From then on, a request with the key of RECORD gets this outcome: after `invited` it sends
    nothing, after `not-invited` it invites. Look at the platform first: the gateway cannot check
    your statement.
    Prints a line for the audit log to standard error.
    """
    from gateway.commands import settle as settling
    from gateway.commands.migrate import store_settings
    from gateway.invites.inputs import id_problem

    if application is not None and (problem := id_problem(application)):
        raise click.BadParameter(problem, param_hint="--application")
    if application is not None and ended != settling.INVITED:
        raise click.BadParameter("is of an invite that was made", param_hint="--application")
    statement = settling.Statement(record, ended, by or getpass.getuser(), application)
    click.echo(settling.settle(store_settings(), statement), err=True)
    click.echo(f"The record counts as {ended}.")


@main.command()
@invite_options
@click.pass_context
def invite(
    context: click.Context,
    /,
    *,
    file: Path,
    dry_run: bool,
    track: str,
    invite_format: str,
    name_columns: tuple[str, ...],
    email_column: str | None,
    patience: float,
    **options: Any,
) -> None:
    """Invite the candidates of a spreadsheet.

    Each is invited once, however often it is run. FILE is CSV or a workbook (.xlsx, .ods) with
    columns for name and e-mail address. The result of each row is written to
    FILE.ID.FORMAT.results.csv.

    Run it again after Ctrl-C or a crash: it sends only what has not been sent. Exits with 1 if
    somebody is not invited.
    """
    from gateway.commands import invite as invite_command
    from gateway.spreadsheet.headings import Wanted

    job = invite_command.Job(
        file,
        track,
        invite_format,
        wanted=Wanted(name_columns, email_column),
        patience_seconds=patience,
        **options,
    )
    if job.connect and not dry_run:
        raise click.UsageError("--connect goes with --dry-run: a run looks at the track anyway.")
    context.exit((invite_command.rehearse if dry_run else invite_command.invite)(job))
