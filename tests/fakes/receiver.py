"""A receiver of traces that is a platform too."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver(ThreadingHTTPServer):
    """Takes spans at `/v1/traces`, and invites at any other path."""

    daemon_threads = True

    def __init__(self) -> None:
        self.exported = b""
        self.spans: list[Span] = []
        self.invited: list[dict[str, str]] = []
        self.listed: list[dict[str, str]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def named(self, name: str) -> Span:
        (span,) = (span for span in self.spans if span.name == name)
        return span


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/traces":
            self.server.exported += body
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    self.server.spans.extend(scope.spans)
            self._answer(200, b"")
        else:
            self.server.invited.append({k.lower(): v for k, v in self.headers.items()})
            invited = b'{"application_id": 91}'
            missing = b'{"error": "Track not found"}'
            self._answer(self.server.status, missing if self.server.status == 404 else invited)

    def do_GET(self) -> None:
        self.server.listed.append({k.lower(): v for k, v in self.headers.items()})
        self._answer(404, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
