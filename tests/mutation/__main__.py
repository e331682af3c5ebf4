"""`python -m tests.mutation [--each N] [--seed N] [--only FILE] [MODULE …]`: does a test notice?

Each mutant changes one place of a module of `gateway/invites` or `gateway/upstream`. The tests of
both rooms that run this place are run until one fails, twice. Printed are the mutants that no test
notices, and how many are noticed, by module and by room. Mutants that change nothing that matters
are listed in equivalent.txt, each with the reason.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.running import (
    Timetable,
    exchange,
    forked,
    functions_by_file,
    import_instead,
    load_libraries,
    noticed_by,
    own_tests,
    session,
    timetable,
)

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("invites", "upstream")
EQUIVALENT: Final = Path(__file__).with_name("equivalent.txt")
# Within pytest the usual output is captured.
OUTPUT: Final = os.fdopen(os.dup(1), "w", buffering=1)

AT_ONCE: Final = 4

NOT_NOTICED: Final = "NOT NOTICED"
NOTICED: Final = "noticed"
IS_EQUIVALENT: Final = "equivalent"
REFUSED: Final = "refused"
"""A call without an argument that it must have: mypy finds that, and no test needs to."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--each", type=int, help="mutants of each module, at most; else all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample and of hypothesis")
    parser.add_argument("--only", type=Path, help="a file with the mutants to try, one a line")
    parser.add_argument("modules", nargs="*", help="such as invites/evidence.py; else all")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    began = time.monotonic()
    run = Run(list(chosen_mutants(given)), given.seed)
    load_libraries()
    summarize(run.verdicts())
    minutes = (time.monotonic() - began) / 60
    print(f"seed {given.seed}, {minutes:.0f} minutes", file=OUTPUT)


def chosen_mutants(given: argparse.Namespace) -> Iterator[Mutant]:
    only = given.only and {line.removeprefix(f"{NOT_NOTICED}: ") for line in lines_of(given.only)}
    paths = [path for room in ROOMS for path in sorted((ROOT / "gateway" / room).rglob("*.py"))]
    for module in given.modules or [str(path.relative_to(ROOT / "gateway")) for path in paths]:
        mutants = mutants_of(module, (ROOT / "gateway" / module).read_text("utf-8"))
        if only is not None:
            mutants = [mutant for mutant in mutants if mutant.name in only]
        if given.each is not None and given.each < len(mutants):
            # The sample of a module is the same whichever others are run beside it.
            mutants = random.Random(f"{given.seed} {module}").sample(mutants, given.each)
        yield from mutants


class Run:
    """Tries mutants, with the verdict on each."""

    rooms: Final = [f"tests/{room}" for room in ROOMS]

    def __init__(self, mutants: list[Mutant], seed: int) -> None:
        self._mutants = mutants
        self._seed = seed
        self._measured = Timetable()
        listed = [line.partition("  # ")[0] for line in lines_of(EQUIVALENT)]
        self._equivalent = {line for line in listed if not line.endswith("*")}
        self._equivalent_all = tuple(line[:-1] for line in listed if line.endswith("*"))

    def verdicts(self) -> dict[str, str]:
        """All mutants' verdicts, by their names."""
        verdicts: dict[str, str]
        [(self._measured, verdicts)] = forked(
            lambda: session(self.rooms, self._seed, self._in_functions)
        )
        left = [mutant for mutant in self._mutants if mutant.name not in verdicts]
        return verdicts | self._each(left, self._when_imported)

    def _in_functions(self, items: dict[str, Any]) -> tuple[Timetable, dict[str, str]]:
        """The verdicts on those that can be put into the loaded functions."""
        self._measured = self._measure(items)
        seconds = sum(self._measured.seconds.values())
        print(f"{len(items)} tests, {seconds:.0f} s without a mutant", file=OUTPUT)
        for name in self._measured.failing:
            print(f"left out, because it fails without a mutant: {name}", file=OUTPUT)
        loaded = functions_by_file()

        def noticed(mutant: Mutant) -> object:
            tests = self._measured.tests_of(mutant.module, mutant.lines)
            path = path_of(mutant)
            if tests and exchange(loaded[path], mutant.code(path)):
                return noticed_by(items, tests, self._measured.seconds)
            return False

        inner = [mutant for mutant in self._mutants if mutant.is_in_function]
        return self._measured, self._each(inner, lambda mutant: forked(lambda: noticed(mutant))[0])

    def _measure(self, items: dict[str, Any]) -> Timetable:
        """The timetable of the tree as it is, kept for the next run."""
        files = sorted(
            path for room in ("gateway", "tests") for path in (ROOT / room).rglob("*.py")
        )
        tree = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
        kept = Path(tempfile.gettempdir(), f"gateway-mutation-{tree[:16]}.pickle")
        if not kept.exists():
            [measured] = forked(lambda: timetable(items, ROOT, ROOMS))
            kept.write_bytes(pickle.dumps(measured))
        measured = pickle.loads(kept.read_bytes())
        assert isinstance(measured, Timetable)
        return measured

    def _when_imported(self, mutant: Mutant) -> Any:
        """What notices a mutant that is imported instead of its module."""
        path = path_of(mutant)
        code = mutant.code(path)
        tests = self._measured.tests_of(mutant.module)
        files = {test.partition("::")[0]: None for test in tests}
        own = own_tests(mutant.module)

        def noticed(those: list[str]) -> Any:
            import_instead(path, code)
            work = lambda items: noticed_by(items, tests, self._measured.seconds)  # noqa: E731
            return session(those, self._seed, work)

        # The module's own tests first: to collect all takes seconds.
        for those in [own] if own in files else [], [file for file in files if file != own]:
            if those and (found := forked(lambda those=those: noticed(those))[0]):  # type: ignore[misc]
                return found
        return None

    def _each(self, mutants: list[Mutant], notice: Callable[[Mutant], Any]) -> dict[str, str]:
        """The verdicts, of some at a time: a test that waits for its end needs no processor."""

        def share(first: int) -> dict[str, str]:
            found = ((mutant, notice(mutant)) for mutant in mutants[first::AT_ONCE])
            return {
                mutant.name: self._verdict(mutant.name, noticed)
                for mutant, noticed in found
                if noticed is not False
            }

        verdicts: dict[str, str] = {}
        for some in forked(*(partial(share, first) for first in range(AT_ONCE))):
            verdicts |= some
        return verdicts

    def _verdict(self, name: str, noticed: tuple[str, str] | int | None) -> str:
        """`noticed` by a test that failed, or by one that did not end before the alarm."""
        is_listed = name in self._equivalent or name.startswith(self._equivalent_all)
        if not noticed and is_listed:
            return IS_EQUIVALENT
        if not noticed:
            print(f"{NOT_NOTICED}: {name}", file=OUTPUT)
            return NOT_NOTICED
        if isinstance(noticed, tuple) and "TypeError" in noticed[1] and "required" in noticed[1]:
            return REFUSED
        if name in self._equivalent:
            print(f"listed as equivalent, but noticed: {name}", file=OUTPUT)
        return NOTICED


def path_of(mutant: Mutant) -> str:
    return str(ROOT / "gateway" / mutant.module)


def lines_of(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def summarize(verdicts: dict[str, str]) -> None:
    counts: dict[str, Counter[str]] = {}
    for name, verdict in verdicts.items():
        module = name.partition(" ")[0]
        for part in (module, f"{module.partition('/')[0]}/"):
            counts.setdefault(part, Counter())[verdict] += 1
    for part in sorted(counts, key=lambda part: (part.endswith("/"), part)):
        count = counts[part]
        mattering = count[NOTICED] + count[NOT_NOTICED]
        print(
            f"{part}: {count[NOTICED]} of {mattering} noticed;"
            f" {count[IS_EQUIVALENT]} equivalent, {count[REFUSED]} refused by mypy",
            file=OUTPUT,
        )


if __name__ == "__main__":
    main()
