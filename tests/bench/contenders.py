"""The gateways that can be measured, and how each is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.job import CONTRACT_JOB, PLAIN_INPUT, Job, plain_document
from tests.bench.peers import SOURCES
from tests.bench.profiles import Profile


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
)


def line_up(profile: Profile, others: tuple[Contender, ...]) -> tuple[Contender, ...]:
    """The gateways to measure in a profile, our own first."""
    environment = {**OURS.environment, **profile.environment}
    ours = [replace(OURS, environment=environment, workers=count) for count in profile.workers]
    if len(ours) > 1:
        ours = [replace(one, name=f"{one.name}, workers: {one.workers}") for one in ours]
    return (*ours, *others) if profile.others else tuple(ours)


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
        job=Job(plain_document("InviteCandidateInput_Input"), PLAIN_INPUT, union=False),
        folder=folder,
    )
    tailcall = Contender(
        "Tailcall (Rust)",
        (str(programs / "tailcall"), "start", "tailcall.run.graphql"),
        {"TAILCALL_TRACKER": "false", "TAILCALL_LOG_LEVEL": "error"},
        job=Job(plain_document("InviteCandidateInput!"), PLAIN_INPUT, union=False),
        folder=folder,
        file=("tailcall.run.graphql", (SOURCES / "tailcall.graphql").read_text()),
    )
    return (*coded, hive, tailcall)
