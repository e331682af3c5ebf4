"""The figures of a run as a section of the speed guide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from tests.bench.contenders import OLDER_MARK
from tests.bench.profiles import Profile
from tests.bench.report import Row, beside, table, without_older

Measured: TypeAlias = Sequence[tuple[Profile, Sequence[Row]]]


def figures(measured: Measured) -> Iterator[str]:
    """Paragraphs and tables: beside others, in other situations, beside an older commit."""
    for profile, found in measured:
        if profile.others:
            yield f"{_sentence(profile.summary)}:"
            yield table(without_older(found))
    if alone := [
        (profile, row)
        for profile, found in measured
        if not profile.others and profile.beside is None
        for row in found
    ]:
        yield "This gateway in other situations:"
        yield "\n".join(_situations(alone))
    for profile, found in measured:
        for line in beside(without_older(found)):
            yield f"{_sentence(profile.summary)}. {line}"
    if older := [(p, row) for p, found in measured for row in found if _is_older(row)]:
        _, _, commit = older[0][1].name.partition(OLDER_MARK)
        yield f"Beside an older commit of this gateway ({commit.partition(',')[0]}):"
        yield "\n".join(_beside_older(older))


def with_section(page: str, heading: str, body: str) -> str:
    """The Markdown page with the body as its section of this heading, which it must have."""
    before, mark, rest = page.partition(f"\n## {heading}\n")
    if not mark:
        raise ValueError(f"the page has no section {heading!r}")
    _, next_mark, after = rest.partition("\n## ")
    return f"{before}{mark}\n{body}\n{next_mark}{after}"


def _situations(rows: Sequence[tuple[Profile, Row]]) -> Iterator[str]:
    yield "| situation | CPU µs | req/s | p50 ms | p99 ms | MiB |"
    yield "|---|--:|--:|--:|--:|--:|"
    for profile, row in rows:
        if not _is_older(row):
            _, _, which = row.name.partition(", ")
            yield (
                f"| {profile.summary}{which and f' ({which})'} | {row.cpu_us:.0f}"
                f" | {row.per_second:.0f} | {row.p50_ms:.2f} | {row.p99_ms:.2f}"
                f" | {row.memory_mib:.0f} |"
            )


def _beside_older(rows: Sequence[tuple[Profile, Row]]) -> Iterator[str]:
    yield "| situation | CPU µs then | now : then |"
    yield "|---|--:|--:|"
    for profile, row in rows:
        if profile.beside is None and len(profile.workers) == 1:
            yield f"| {profile.summary} | {row.cpu_us:.0f} | {row.ratio:.2f} |"


def _is_older(row: Row) -> bool:
    return OLDER_MARK in row.name


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:]
