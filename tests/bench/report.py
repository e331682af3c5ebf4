"""The samples as figures, a table and a bar chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from xml.sax.saxutils import escape

from tests.bench.contenders import OLDER_MARK
from tests.bench.measure import Sample

_COLOURS = (
    "<style>text{fill:#1f2328}rect{fill:#8c959f}rect.ours{fill:#1a7f37}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>"
)
_BAR, _GAP, _LABELS, _WIDTH, _FIGURES = 22, 10, 270, 420, 90


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of one gateway's samples; `ratio` is ours over its CPU, round by round."""

    name: str
    cpu_us: float
    ratio: float
    per_second: float
    p50_ms: float
    p99_ms: float
    memory_mib: float
    start_seconds: float


def summarise(samples: Sequence[Sample]) -> list[Row]:
    """One row per gateway, in the order of the first round; the first one is the measure."""
    names = list(dict.fromkeys(sample.contender for sample in samples))
    turns = {name: [one for one in samples if one.contender == name] for name in names}
    ours = turns[names[0]]
    return [_row(name, turns[name], ours) for name in names]


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    cells = "gateway | CPU µs | ours : its CPU | req/s | p50 ms | p99 ms | MiB"
    lines = [
        f"| {cells} | first answer s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {row.name} | {row.cpu_us:.0f} | {_ratio(row.ratio)} | {row.per_second:.0f}"
            f" | {row.p50_ms:.2f} | {row.p99_ms:.2f} | {row.memory_mib:.0f}"
            f" | {row.start_seconds:.2f} |"
            for row in rows
        ),
    ]
    return "\n".join(lines)


def without_older(rows: Sequence[Row]) -> list[Row]:
    """The rows but for those of an older commit of this gateway."""
    return [row for row in rows if OLDER_MARK not in row.name]


def scaling(samples: Sequence[Sample]) -> Iterator[str]:
    """A line for each number of workers after the first: its ratios to that, round by round."""
    counts = list(dict.fromkeys(sample.workers for sample in samples))
    turns = [[one for one in samples if one.workers == count] for count in counts]
    for count, more in zip(counts[1:], turns[1:], strict=True):
        pairs = list(zip(turns[0], more, strict=True))
        throughput = median(many.per_second / few.per_second for few, many in pairs)
        cpu = median(many.cpu_us / few.cpu_us for few, many in pairs)
        yield (
            f"{count} workers answered {throughput:.2f} times as many mutations as {counts[0]},"
            f" each at {cpu:.2f} times the CPU."
        )


def beside(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each gateway that was measured alone and beside another load."""
    alone = {row.name: row for row in rows}
    for row in rows:
        name, mark, load = row.name.partition(", beside ")
        if mark:
            kept = row.per_second / alone[name].per_second
            yield f"{name}, beside {load}: {kept:.2f} of its rate alone."


def chart(groups: Sequence[tuple[str, Sequence[Row]]], *, title: str) -> str:
    """The CPU of each group's rows as an SVG bar chart, legible on light and dark pages."""
    parts, top = [], 34
    for heading, rows in groups:
        parts.append(f'<text x="0" y="{top + 12}" font-weight="600">{escape(heading)}</text>')
        parts += _bars(rows, top + 20)
        top += 32 + len(rows) * (_BAR + _GAP)
    width = _LABELS + _WIDTH + _FIGURES
    name = escape(title)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" width="{width}"'
        f' role="img" font-family="system-ui, sans-serif" font-size="13"><title>{name}</title>'
    )
    text = f'<text x="0" y="18" font-weight="600">{name}</text>'
    return "\n".join([head, _COLOURS, text, *parts, "</svg>\n"])


def _bars(rows: Sequence[Row], begin: int) -> Iterator[str]:
    longest = max(row.cpu_us for row in rows)
    for number, row in enumerate(sorted(rows, key=lambda row: row.cpu_us)):
        top = begin + number * (_BAR + _GAP)
        length = max(1, round(_WIDTH * row.cpu_us / longest))
        mark = ' class="ours"' if row is rows[0] else ""
        yield (
            f'<text x="{_LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect{mark} x="{_LABELS}" y="{top}" width="{length}" height="{_BAR}" rx="3"/>'
            f'<text x="{_LABELS + length + 8}" y="{top + 16}">{row.cpu_us:.0f} µs</text>'
        )


def _row(name: str, turns: Sequence[Sample], ours: Sequence[Sample]) -> Row:
    def middle(figure: Callable[[Sample], float]) -> float:
        return median(figure(turn) for turn in turns)

    return Row(
        name=name,
        cpu_us=middle(lambda turn: turn.cpu_us),
        ratio=median(own.cpu_us / its.cpu_us for own, its in zip(ours, turns, strict=True)),
        per_second=middle(lambda turn: turn.per_second),
        p50_ms=middle(lambda turn: turn.p50_ms),
        p99_ms=middle(lambda turn: turn.p99_ms),
        memory_mib=middle(lambda turn: turn.memory_mib),
        start_seconds=middle(lambda turn: turn.start_seconds),
    )


def _ratio(ratio: float) -> str:
    return f"1 : {1 / ratio:.1f}" if ratio < 1 else f"{ratio:.2f} : 1"
