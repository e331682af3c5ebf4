"""`python -m tests.bench`: this gateway against those people would otherwise pick."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from tests.bench.contenders import NAIVE, Contender, line_up, peers
from tests.bench.guide import figures, with_section
from tests.bench.job import WrongAnswerError
from tests.bench.load import LoadError, find_wrk
from tests.bench.measure import Bench, Sample, ShortcutError
from tests.bench.older import OlderUnavailableError, older_gateway
from tests.bench.peers import PeersUnavailableError, default_folder, install
from tests.bench.processes import ServerFailedError
from tests.bench.profiles import PROFILES, Profile
from tests.bench.report import beside, chart, scaling, summarise, table, without_older
from tests.bench.stub import StubMissingError


@click.command()
@click.option("--profile", "names", multiple=True, type=click.Choice([*PROFILES, "all"]))
@click.option("--seconds", default=5.0, show_default=True, help="Length of one turn.")
@click.option("--rounds", default=5, show_default=True, help="Turns of each gateway.")
@click.option("--peers", "with_peers", is_flag=True, help="Node and Rust gateways too, from npm.")
@click.option("--peers-folder", type=click.Path(path_type=Path), help="Where they are installed.")
@click.option("--against", metavar="COMMIT", help="An older commit of this gateway, in turn.")
@click.option("--only", "only", multiple=True, help="Gateways whose name holds this text.")
@click.option("--quick", is_flag=True, help="One round of two seconds: a smoke test.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write a chart of the profiles.")
@click.option("--guide", type=click.Path(path_type=Path), help="Put the figures into this page.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all samples.")
def main(
    *,
    names: tuple[str, ...],
    seconds: float,
    rounds: int,
    with_peers: bool,
    peers_folder: Path | None,
    against: str | None,
    only: tuple[str, ...],
    quick: bool,
    svg: Path | None,
    guide: Path | None,
    json_file: Path | None,
) -> None:
    """Measure gateways in turn; compare figures within one run only."""
    # What was started is stopped, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    seconds, rounds = (2.0, 1) if quick else (seconds, rounds)
    chosen = tuple(PROFILES) if "all" in names else names or ("ordinary",)
    taken: dict[str, list[Sample]] = {}
    failed: list[str] = []
    try:
        with contextlib.ExitStack() as stack:
            find_wrk()
            others = [NAIVE]
            if with_peers:
                folder = peers_folder or default_folder()
                click.echo(f"installing peers in {folder}", err=True)
                install(folder)
                others += peers(folder)
            older = stack.enter_context(older_gateway(against)) if against else None
            for name in chosen:
                line = line_up(PROFILES[name], tuple(others), older=older)
                wanted = [one for one in line if not only or any(text in one.name for text in only)]
                try:
                    taken[name] = _measured(PROFILES[name], wanted, seconds=seconds, rounds=rounds)
                except _FAILURES as error:
                    # The other profiles' figures are not lost.
                    failed.append(f"{name}: {error}")
                    continue
                click.echo(
                    f"\n{name}: {PROFILES[name].summary}\n\n{table(summarise(taken[name]))}\n"
                )
                for sentence in (*scaling(taken[name]), *beside(summarise(taken[name]))):
                    click.echo(f"{sentence}\n")
    except (*_FAILURES, OlderUnavailableError, PeersUnavailableError) as error:
        raise click.ClickException(str(error)) from error
    rows = [(PROFILES[name], summarise(samples)) for name, samples in taken.items()]
    if svg is not None:
        groups = [
            (profile.work.value, without_older(found))
            for profile, found in rows
            if profile.others and not profile.delay_seconds
        ]
        svg.write_text(chart(groups, title="CPU time (shorter is better)"), "utf-8")
    if guide is not None:
        when = f"{time.strftime('%B %Y')}, {os.cpu_count()} shared cores"
        turns = f"{rounds} rounds, in each of which each gateway had {seconds:g} seconds"
        lines = [
            f"{PROFILES[name].summary}: {line}"
            for name, samples in taken.items()
            for line in scaling(samples)
        ]
        body = "\n\n".join([f"{when}; {turns}.", *figures(rows), *lines])
        guide.write_text(with_section(guide.read_text("utf-8"), "Figures", body), "utf-8")
    if json_file is not None:
        found = {name: [dataclasses.asdict(one) for one in taken[name]] for name in taken}
        json_file.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    if failed:
        raise click.ClickException("\n".join(failed))


_FAILURES = (LoadError, ServerFailedError, ShortcutError, StubMissingError, WrongAnswerError)


def _measured(
    profile: Profile, line: Sequence[Contender], *, seconds: float, rounds: int
) -> list[Sample]:
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(profile, Path(scratch), seconds=seconds)
        return bench.run(line, rounds=rounds, report=lambda line: click.echo(line, err=True))


if __name__ == "__main__":
    main()
