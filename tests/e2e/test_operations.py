"""The operators' guide is right: its commands run as printed, as far as one machine can."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from gateway.settings.model import Settings
from tests.e2e.conftest import DOCUMENT
from tests.e2e.processes import environment, running
from tests.fakes.haproxy import free_port
from tests.fakes.postgres import programs, running_postgres
from tests.fakes.texts import GUIDES, ROOT, blocks

GUIDE = GUIDES["operations"]
PATIENCE_SECONDS = 30.0
# What only a machine of one's own can do; the commands around them run.
OF_THE_MACHINE = ("useradd", "chown", "systemctl", "python3")


def commands() -> list[str]:
    """The eight, each as it is printed."""
    chapter = GUIDE.partition("## Eight commands")[2].partition("\n## ")[0]
    found = re.findall(r"^ {3}```sh\n(.*?)^ {3}```$", chapter, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(one) for one in found]


class Machine:
    """A folder that stands for the root of the guide's machine."""

    def __init__(self, root: Path, postgres: str, platform: str) -> None:
        self.root = root
        self.postgres = postgres
        self.ports = {"8000": free_port(), "9000": free_port(), "443": free_port()}
        stubs = root / "stubs"
        for name in OF_THE_MACHINE:
            self._stub(stubs / name, "exit 0")
        self._stub(root / "opt/gateway/bin/pip", "exit 0")
        self._stub(root / "opt/gateway/bin/gateway", f'exec {sys.executable} -m gateway "$@"')
        package = root / "opt/gateway/lib/python3.11/site-packages/gateway"
        package.parent.mkdir(parents=True)
        package.symlink_to(ROOT / "gateway")
        self.environment = environment({"UPSTREAM_URL": platform, "PORT": str(self.ports["8000"])})
        self.environment |= {
            "PATH": f"{stubs}:{programs()}:/usr/sbin:{os.environ['PATH']}",
            "PLATFORM_API_KEY": "sandbox-key",
            "PGHOST": self.socket_folder,
            "PGUSER": "postgres",
        }

    @property
    def socket_folder(self) -> str:
        return self.postgres.partition("host=")[2]

    def placed(self, text: str) -> str:
        """The text with this folder instead of `/`, and this machine's ports and sockets."""
        text = re.sub(r"(?<![\w.}])/(opt/gateway|etc|var/lib/gateway)", rf"{self.root}/\1", text)
        text = text.replace("@127.0.0.1/gateway", f"@/gateway?host={self.socket_folder}")
        for port, mine in self.ports.items():
            text = re.sub(rf"(?<=[:= ]){port}\b", str(mine), text)
        return text

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.placed(command)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _stub(self, path: Path, line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    work = tmp_path / "work"
    work.mkdir()
    with running_postgres() as postgres, running(work, "sandbox", "--port", "0") as platform:
        yield Machine(tmp_path / "machine", postgres, platform.address())


@contextmanager
def served(machine: Machine) -> Iterator[None]:
    """What the unit starts, where it starts it."""
    [unit] = blocks(GUIDE, "ini")
    [start] = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    [folder] = re.findall(r"^WorkingDirectory=(.+)$", unit, re.MULTILINE)
    with subprocess.Popen(
        machine.placed(start).split(), cwd=machine.placed(folder), env=machine.environment
    ) as process:
        try:
            _wait_until_ready(machine)
            yield
        finally:
            process.terminate()
    assert process.returncode == 0


def _wait_until_ready(machine: Machine) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    url = f"http://127.0.0.1:{machine.ports['9000']}/readyz"
    while time.monotonic() < give_up_at:
        try:
            with urllib.request.urlopen(url):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the gateway does not get ready")


@contextmanager
def proxied(machine: Machine, folder: Path) -> Iterator[trustme.CA]:
    """The guide's nginx in front, with a certificate of its own; yields who to trust."""
    program = shutil.which("nginx", path=machine.environment["PATH"])
    if program is None:
        pytest.skip("nginx is not installed")
    authority, tls = trustme.CA(), machine.root / "etc/nginx/tls"
    tls.mkdir(parents=True)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tls / "invites.key")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(tls / "invites.pem", append=True)
    [block] = blocks(GUIDE, "nginx")
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root; events {{}}\n"
        f"http {{ access_log off;\n{machine.placed(block)}}}\n"
    )
    subprocess.run([program, "-t", "-c", config], check=True, capture_output=True)
    with subprocess.Popen([program, "-c", config], stderr=subprocess.DEVNULL) as process:
        try:
            yield authority
        finally:
            process.terminate()


def test_the_eight_commands_make_a_gateway(machine, tmp_path):
    """From an empty machine to an invite through the proxy, a probe and alerts that are read."""
    install, roles, secrets, check, unit, _, probe, alerts = commands()
    for command in (install, roles, secrets):
        machine.run(command)
    checked = machine.run(check)
    machine.run(unit)
    with served(machine), proxied(machine, tmp_path) as authority:
        token = (machine.root / "etc/gateway/new-token").read_text().splitlines()[0]
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        answer = invited(machine, token, tmp_path / "ca.pem")
        probed = machine.run(probe)
    read = machine.run(alerts)

    assert [line.split()[:2] for line in checked.splitlines()[-3:]] == [
        ["platform", "ok"],
        ["clock", "ok"],
        ["store", "ok"],
    ]
    assert answer == "InviteCandidateSuccess"
    assert probed == '{"status":"ok"}'
    assert "SUCCESS" in read
    rules = (machine.root / "etc/prometheus/rules/gateway.yaml").read_text()
    assert "example.com" not in rules.partition("groups:")[2]


def invited(machine: Machine, token: str, authority: Path) -> str:
    """What an invite through the proxy comes to, sent as soon as the proxy listens."""
    invite = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": 6578}
    request = urllib.request.Request(
        f"https://127.0.0.1:{machine.ports['443']}/graphql",
        json.dumps({"query": DOCUMENT, "variables": {"input": invite}}).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {token}"},
    )
    context = ssl.create_default_context(cafile=authority)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, context=context) as answer:
                return str(json.load(answer)["data"]["inviteCandidate"]["type"])
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)


def test_the_unit_is_one(tmp_path):
    """systemd itself has nothing to object, and finds little that is exposed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    [unit] = blocks(GUIDE, "ini")
    file = tmp_path / "gateway.service"
    file.write_text(unit.replace("/opt/gateway/bin/gateway", "/bin/true"))

    verified = subprocess.run(
        [program, "verify", file], capture_output=True, text=True, check=False
    )
    exposed = subprocess.run(
        [program, "security", "--offline=true", "--threshold=20", file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert exposed.returncode == 0, exposed.stdout


def test_the_manifest_names_what_is_there():
    """Settings, ports and paths of the manifest are the gateway's."""
    [manifest] = blocks(GUIDE, "yaml")
    names = re.findall(r"name: GATEWAY_(\w+)", manifest)
    kinds = re.findall(r"^kind: (\w+)$", manifest, re.MULTILINE)

    assert kinds == ["Service", "PodDisruptionBudget", "Deployment"]
    assert {name.lower() for name in names} <= Settings.model_fields.keys()
    assert "enableServiceLinks: false" in manifest
    assert manifest.count("app: gateway") == 4
    for probe in ("/livez", "/readyz"):
        assert f"httpGet: {{path: {probe}, port: operations}}" in manifest


def test_the_image_holds_the_package_alone(tmp_path):
    """Neither secrets nor history that lie beside the source get into the wheel."""
    [ignored] = blocks(GUIDE, "text")
    [dockerfile] = blocks(GUIDE, "dockerfile")
    source = tmp_path / "src"
    source.mkdir()
    for name in re.findall(r"^!(.+)$", ignored, re.MULTILINE):
        place = ROOT / name
        copy = shutil.copytree if place.is_dir() else shutil.copy
        copy(place, source / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", tmp_path, source],
        check=True,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert (ignored.splitlines()[0], "**/.env" in ignored.splitlines()) == ("*", True)
    assert all(name.startswith(("gateway/", "track_invite_gateway-")) for name in names)
    assert "gateway/telemetry/observability/alerts.yaml" in names
    last = dockerfile.rpartition("FROM ")[2]
    assert "COPY" not in last
