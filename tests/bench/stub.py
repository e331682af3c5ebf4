"""The stub upstream: nginx with a static answer, or a lean server of our own that waits."""

from __future__ import annotations

import os
import re
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Protocol

from tests.bench.job import LIST_ANSWER, STUB_ANSWER
from tests.bench.processes import Server, free_port

_NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 75s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /tracks/invite {{ default_type application/json; return 200 '{answer}'; }}
    location = /tracks/6578/applicants {{ default_type application/json; alias {folder}/list.json; }}
    location = /count {{ stub_status; }}
  }}
}}
"""


class StubMissingError(Exception):
    """The program that the stub needs is not installed."""


class Stub(Protocol):
    """A running upstream that counts the requests it was sent."""

    url: str
    server: Server

    def count(self) -> int: ...


class NginxStub:
    """Answers at once; its count includes the requests for the count."""

    def __init__(self, folder: Path, *, cpu: str) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            raise StubMissingError("the stub upstream `nginx` is missing: apt-get install nginx")
        port = free_port()
        config = folder / "nginx.conf"
        (folder / "list.json").write_text(LIST_ANSWER)
        config.write_text(_NGINX.format(user=_user(), folder=folder, port=port, answer=STUB_ANSWER))
        self.url = f"http://127.0.0.1:{port}"
        self.server = Server((program, "-p", str(folder), "-c", str(config)), port=port, cpu=cpu)
        self._own = 0

    def count(self) -> int:
        self._own += 1
        return requests_in(_get(f"{self.url}/count")) - self._own


class WaitingStub:
    """Answers after a delay."""

    def __init__(self, delay_seconds: float, *, cpu: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = (sys.executable, "-m", "tests.bench.waiting_stub", str(port), str(delay_seconds))
        self.server = Server(command, port=port, cpu=cpu)

    def count(self) -> int:
        return int(_get(f"{self.url}/count"))


def _user() -> str:
    # Started by root, its worker would be somebody who may not read the folder.
    return "user root;" if os.geteuid() == 0 else ""


def requests_in(status: str) -> int:
    """The number of requests that nginx's status page tells."""
    found = re.search(r"requests\s+\d+\s+\d+\s+(\d+)", status)
    assert found is not None, status
    return int(found[1])


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())
