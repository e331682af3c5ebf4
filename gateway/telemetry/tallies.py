"""Counts in plain numbers, which are passed to prometheus-client periodically.

The library takes a lock for each increment and, with several workers, a system call and two
writes to a file: too much for every request. The plain numbers only grow, and the increase is
passed on; one thread may count while another passes on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from prometheus_client import Counter, Histogram


class Tally:
    """Counts by `labels`, which are the counter's."""

    def __init__(self, counter: Counter, labels: Callable[[Any], tuple[str, ...]]) -> None:
        self.counts: defaultdict[Hashable, int] = defaultdict(int)
        self._counter = counter
        self._labels = labels
        self._passed_on: dict[Hashable, int] = {}

    def pass_on(self) -> None:
        for what, count in list(self.counts.items()):
            new = count - self._passed_on.get(what, 0)
            if new:
                self._counter.labels(*self._labels(what)).inc(new)
                self._passed_on[what] = count


class Times:
    """Durations in seconds, for a histogram with these upper bounds."""

    def __init__(self, histogram: Histogram, bounds: Sequence[float]) -> None:
        self._histogram = histogram
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._passed_on = list(self._counts), self._sum

    def add(self, seconds: float) -> None:
        self._sum += seconds
        self._counts[bisect_left(self._bounds, seconds)] += 1

    def pass_on(self) -> None:
        counts, total = list(self._counts), self._sum
        counts_before, total_before = self._passed_on
        # The histogram has no public way to add many at once.
        self._histogram._sum.inc(total - total_before)  # noqa: SLF001 - see above
        buckets = self._histogram._buckets  # noqa: SLF001 - see above
        for bucket, count, before in zip(buckets, counts, counts_before, strict=True):
            bucket.inc(count - before)
        self._passed_on = counts, total
