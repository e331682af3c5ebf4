"""The options of `gateway invite`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from gateway.operator_error import OperatorError


def _track_id(_context: click.Context, _parameter: click.Parameter, track: str) -> str:
    from gateway.invites.inputs import id_problem

    if problem := id_problem(track):
        raise click.BadParameter(problem)
    return track


def _encoding(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    from gateway.spreadsheet.encoding import is_encoding

    if name is not None and not is_encoding(name):
        raise click.BadParameter(f"{name} is not known; well-known ones are utf-8 and cp1252")
    return name


def _template(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
    if path is None or context.resilient_parsing:
        return
    from gateway.commands.invite import write_template

    try:
        write_template(path)
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    context.exit()


_file_to_write = click.Path(dir_okay=False, path_type=Path)

_OPTIONS: Final = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option(
        "--track", required=True, help="The track to invite to.", metavar="ID", callback=_track_id
    ),
    click.option(
        "--format",
        "invite_format",
        type=click.Choice(["get-link", "send-link"]),
        required=True,
        help="Only make links, or let the platform e-mail them.",
    ),
    click.option("--dry-run", is_flag=True, help="Send nothing; show what would be sent."),
    click.option(
        "--connect", is_flag=True, help="With --dry-run: try the API key, and look at the track."
    ),
    click.option("--yes", is_flag=True, help="Do not ask before people are e-mailed."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="Send N invites at most, for a trial.",
    ),
    click.option(
        "--name-column",
        "name_columns",
        multiple=True,
        metavar="HEADING",
        help="The column of names; several of them are joined in this order.",
    ),
    click.option("--email-column", metavar="HEADING", help="The column of e-mail addresses."),
    click.option(
        "--encoding",
        metavar="NAME",
        callback=_encoding,
        help="How the file's letters are encoded, if it does not say so: cp1252, mac_roman …",
    ),
    click.option(
        "--result", type=_file_to_write, metavar="FILE", help="Where to write the results."
    ),
    click.option(
        "--failed", type=_file_to_write, metavar="FILE", help="Write a list of those not invited."
    ),
    click.option(
        "--account",
        metavar="NAME",
        help="Tell your accounts apart, if their tracks may have the same numbers.",
    ),
    click.option(
        "--patience",
        type=click.FloatRange(min=1),
        default=300.0,
        show_default=True,
        metavar="SECONDS",
        help="How long one row may wait while the platform limits requests.",
    ),
    click.option(
        "--template",
        type=_file_to_write,
        metavar="FILE",
        is_eager=True,
        expose_value=False,
        callback=_template,
        help="Write an empty list to fill in, and do nothing else.",
    ),
)


def invite_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with all options, in the order of its help."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
