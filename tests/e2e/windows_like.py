"""`python -m tests.e2e.windows_like WORDS`: `gateway WORDS` without what Windows lacks.

No stand-in for Windows: it only takes away the modules, signals and methods that are not there.
"""

from __future__ import annotations

import asyncio
import builtins
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

MISSING_MODULES = frozenset({"fcntl", "uvloop", "resource", "pwd", "grp"})
MISSING_SIGNALS = (
    *("SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGALRM"),
    *("pthread_sigmask", "SIG_BLOCK", "SIG_UNBLOCK", "sigwait", "pause"),
)
_import = builtins.__import__


def import_as_on_windows(
    name: str,
    globals: Mapping[str, Any] | None = None,  # noqa: A002 - the built-in's name
    locals: Mapping[str, Any] | None = None,  # noqa: A002 - as above
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    # Python's own modules are those of Linux here, and need theirs.
    importer = str((globals or {}).get("__name__")).partition(".")[0]
    if name in MISSING_MODULES and importer not in sys.stdlib_module_names:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _import(name, globals, locals, fromlist or (), level)


def not_implemented(*_: object) -> NoReturn:
    raise NotImplementedError


def main() -> None:
    builtins.__import__ = import_as_on_windows
    loop = asyncio.SelectorEventLoop
    loop.add_signal_handler = not_implemented  # type: ignore[method-assign, assignment]
    loop.remove_signal_handler = not_implemented  # type: ignore[method-assign, assignment]
    for name in MISSING_SIGNALS:
        delattr(signal, name)
    from gateway.cli import main as gateway  # noqa: PLC0415 - only now

    gateway()


if __name__ == "__main__":
    main()
