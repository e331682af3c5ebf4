"""The gateways that can be measured, and how each is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.job import CONTRACT_JOB, Job, Work, plain_job
from tests.bench.peers import SOURCES
from tests.bench.profiles import Profile

_INVITES = frozenset({Work.INVITE, Work.COMMENT, Work.INLINE, Work.NEW})


@dataclass(frozen=True, slots=True)
class Contender:
    """A gateway: its environment and files may hold the names that `filled` fills in, in braces."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    job: Job = CONTRACT_JOB
    folder: Path | None = None
    file: tuple[str, str] | None = None
    """The name and text of a file to put into the folder before the start."""
    workers: int = 1
    works: frozenset[Work] = frozenset(Work)
    """What it can do."""
    beside: tuple[Work, int] | None = None

    def filled(self, text: str, *, port: int, upstream: str, store: str) -> str:
        """`text` with the values that are known only now."""
        values = {
            "store": store,
            "port": str(port),
            "upstream": upstream,
            "workers": str(self.workers),
        }
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text


OLDER_MARK = " as of "
"""In the name of an older commit of this gateway."""
OURS = Contender(
    "track-invite-gateway",
    (sys.executable, "-m", "gateway", "serve"),
    {
        "GATEWAY_UPSTREAM_URL": "{upstream}",
        "GATEWAY_UPSTREAM_API_KEY": "bench-key",
        "GATEWAY_AUTH": "none",
        "GATEWAY_PORT": "{port}",
        "GATEWAY_WORKERS": "{workers}",
        "GATEWAY_STORE_URL": "{store}",
        # None of the others writes a line for each request either.
        "GATEWAY_LOG_LEVEL": "warning",
    },
)
NAIVE = Contender(
    "naive: strawberry + httpx2 + uvicorn",
    (sys.executable, "-m", "tests.bench.naive"),
    {"UPSTREAM_URL": "{upstream}", "PORT": "{port}"},
    works=_INVITES | {Work.LIST},
)


def line_up(
    profile: Profile, others: tuple[Contender, ...], *, older: Contender | None = None
) -> tuple[Contender, ...]:
    """The gateways to measure in a profile, our own first, then an older one of ours."""
    environment = {**OURS.environment, **profile.environment}
    line = [replace(OURS, environment=environment, workers=count) for count in profile.workers]
    if len(line) > 1:
        line = [replace(one, name=f"{one.name}, workers: {one.workers}") for one in line]
    if older is not None:
        line.append(replace(older, environment=environment))
    if profile.others:
        needed = {profile.work, *((profile.beside[0],) if profile.beside else ())}
        line += [one for one in others if needed <= one.works]
    if profile.beside is None:
        return tuple(line)
    work, connections = profile.beside
    return tuple(
        one
        for alone in line
        for one in (
            alone,
            replace(
                alone,
                name=f"{alone.name}, beside {connections} × {work.name.lower()}",
                beside=profile.beside,
            ),
        )
    )


def peers(folder: Path) -> tuple[Contender, ...]:
    """The gateways of other ecosystems, installed in `folder` by `peers.install`."""
    node = {"UPSTREAM_URL": "{upstream}", "PORT": "{port}", "NODE_ENV": "production"}
    programs = folder / "node_modules" / ".bin"
    coded = [
        Contender(name, ("node", script), node, folder=folder)
        for name, script in (
            ("graphql-yoga + undici", "yoga.mjs"),
            ("Apollo Server + datasource-rest", "apollo.mjs"),
            ("mercurius, JIT, undici", "mercurius.mjs"),
        )
    ]
    hive = Contender(
        "Hive Gateway (Mesh REST source)",
        (str(programs / "hive-gateway"), "supergraph", "-c", "gateway.config.mjs"),
        node,
        job=plain_job("InviteCandidateInput_Input"),
        works=_INVITES,
        folder=folder,
    )
    tailcall = Contender(
        "Tailcall (Rust)",
        (str(programs / "tailcall"), "start", "tailcall.run.graphql"),
        {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"},
        job=plain_job("InviteCandidateInput!"),
        works=_INVITES,
        folder=folder,
        file=("tailcall.run.graphql", (SOURCES / "tailcall.graphql").read_text()),
    )
    return (*coded, hive, tailcall)
