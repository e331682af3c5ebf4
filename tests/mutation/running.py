"""Runs chosen tests of the two rooms against a mutant, each time in a forked process.

pytest's start and the collection of the tests are paid once for all mutants inside functions: the
changed code is put into the functions that are loaded. Any other mutant is imported in place of
its module, in a process that has loaded everything but the gateway.
"""

from __future__ import annotations

import gc
import importlib
import importlib.machinery
import os
import pickle
import resource
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import coverage
import pytest

_SPARE_MEMORY: Final = 2 * 1024**3
OTHER_TESTS: Final = 200
_LOADED_ONCE: Final = "asyncpg email_validator httptools httpx2 orjson pydantic strawberry uvloop"


@dataclass
class Timetable:
    """What was measured once without a mutant: which tests run which line, and for how long."""

    seconds: dict[str, float] = field(default_factory=dict)
    by_line: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)

    def tests_of(self, module: str, lines: Iterable[int] | None = None) -> list[str]:
        """The tests that run one of the lines, or any of the module, in the order to run them in.

        All of the module's own first, then some others, those of its room first: the quickest case
        of each test before its other cases. Any test may come, where none runs the module: it has no functions.
        """
        seen = self.by_line.get(module, {})
        tests = set().union(*(seen.get(line, ()) for line in (seen if lines is None else lines)))
        if not tests and lines is None:
            tests = set(self.seconds)
        own = own_tests(module)
        cases: Counter[str] = Counter()
        order: list[tuple[bool, bool, int, float, str]] = []
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            name = test.partition("[")[0]
            is_far = Path(test).parts[1] != Path(module).parts[0]
            order.append((not test.startswith(own), is_far, cases[name], self.seconds[test], test))
            cases[name] += 1
        order.sort()
        own_ones = sum(not is_other for is_other, *_ in order)
        return [test for *_, test in order[: own_ones + OTHER_TESTS]]


def own_tests(module: str) -> str:
    path = Path("tests", module)
    return str(path.with_name(f"test_{path.name}"))


def forked(*works: Callable[[], Any]) -> list[Any]:
    """What each gives in a process of its own, or the number of the signal that ended it.

    The processes run beside each other.
    """
    return [_result(*started) for started in [_start(work) for work in works]]


def _start(work: Callable[[], Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
        finally:
            os._exit(1)
    os.close(writing)
    return pid, reading


def _result(pid: int, reading: int) -> Any:
    with os.fdopen(reading, "rb") as pipe:
        given = pipe.read()
    _, status = os.waitpid(pid, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else pickle.loads(given)


def session(files: Sequence[str], seed: int, work: Callable[[dict[str, pytest.Item]], Any]) -> Any:
    """What `work` makes of the collected tests, within pytest; for a process of its own."""
    plugin = _Session(work)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    options = [
        "-q",
        "-q",
        "--no-summary",
        "--tb=line",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-o",
        "timeout=0",
    ]
    pytest.main([*options, f"--hypothesis-seed={seed}", *files], plugins=[plugin])
    return plugin.result


class _Session:
    result: Any = None

    def __init__(self, work: Callable[[dict[str, pytest.Item]], Any]) -> None:
        self._work = work

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.result = report.nodeid, report.longreprtext

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        from hypothesis import Phase, settings  # noqa: PLC0415 - its plugin comes first

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutation", database=None, phases=phases, print_blob=False)
        settings.load_profile("mutation")
        if self.result is None:
            self.result = self._work({item.nodeid: item for item in session.items})
        return True


class _Failures:
    """Collects what fails."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.texts.append(report.longreprtext)


def failure_of(item: pytest.Item) -> str | None:
    """How the test failed, both times that it was run: a busy machine may fail a test once."""
    for _ in range(2):
        if text := _failure(item):
            item._initrequest()  # type: ignore[attr-defined]
        else:
            return None
    return text


def _failure(item: pytest.Item) -> str | None:
    failures = _Failures()
    item.config.pluginmanager.register(failures)
    try:
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
    finally:
        item.config.pluginmanager.unregister(failures)
    return "\n".join(failures.texts) or None


def timetable(items: dict[str, pytest.Item], root: Path, rooms: Iterable[str]) -> Timetable:
    """Runs all tests once."""
    measured = Timetable()
    recorder = coverage.Coverage(
        data_file=None,
        config_file=False,
        include=[f"{root}/gateway/{room}/*" for room in rooms],
    )
    recorder.start()
    for name, item in items.items():
        recorder.switch_context(name)
        began = time.perf_counter()
        if failure_of(item):
            measured.failing.append(name)
        measured.seconds[name] = time.perf_counter() - began
    recorder.stop()
    data = recorder.get_data()
    for path in data.measured_files():
        lines = data.contexts_by_lineno(path)
        measured.by_line[str(Path(path).relative_to(root / "gateway"))] = {
            line: set(tests) - {"", *measured.failing} for line, tests in lines.items()
        }
    return measured


def noticed_by(
    items: dict[str, pytest.Item], chosen: Iterable[str], seconds: dict[str, float]
) -> tuple[str, str] | None:
    """The first of the chosen tests that fails, and how."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _SPARE_MEMORY, most))
    for name in chosen:
        if name in items:
            # A test that does not end is ended by the alarm, and the process with it.
            signal.setitimer(signal.ITIMER_REAL, 10 + 30 * seconds[name])
            if text := failure_of(items[name]):
                return name, text
    signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def functions_by_file() -> dict[str, list[FunctionType]]:
    """All functions that are loaded."""
    found: dict[str, list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if type(one) is FunctionType:
            found[one.__code__.co_filename].append(one)
    # Forked processes share what is never collected.
    gc.freeze()
    return found


def exchange(functions: Sequence[FunctionType], module: CodeType) -> bool:
    """Give the functions the code that they have in `module`; whether they can take it."""
    codes = {_key(code): code for code in _codes_in(module)}
    try:
        for function in functions:
            function.__code__ = codes.get(_key(function.__code__), function.__code__)
    except ValueError:
        # It has other free variables.
        return False
    return True


def _key(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes_in(constant)


def load_libraries() -> None:
    for name in _LOADED_ONCE.split():
        importlib.import_module(name)


def import_instead(path: str, module: CodeType) -> None:
    """From now on the file at `path` is imported as `module`."""
    get_code = importlib.machinery.SourceFileLoader.get_code

    def replaced(loader: Any, name: str) -> CodeType | None:
        return module if loader.path == path else get_code(loader, name)

    importlib.machinery.SourceFileLoader.get_code = replaced  # type: ignore[assignment, method-assign]
