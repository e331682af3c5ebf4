"""An identity provider on loopback: keys, tokens, and a server that publishes the keys."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.fakes.threads import serving

ISSUER = "https://id.example.com/"
AUDIENCE = "invites"
_KINDS = {"ES": ECAlgorithm, "RS": RSAAlgorithm, "PS": RSAAlgorithm, "Ed": OKPAlgorithm}


@dataclass(frozen=True)
class SigningKey:
    """A key pair of the provider."""

    kid: str
    algorithm: str
    private: Any

    def published(self, **changed: object) -> dict[str, object]:
        public = self.private.public_key()
        kind: Any = _KINDS[self.algorithm[:2]]
        jwk = {**kind.to_jwk(public, as_dict=True), "kid": self.kid, "use": "sig"}
        return {name: value for name, value in (jwk | changed).items() if value is not None}

    def token(self, *, headers: dict[str, Any] | None = None, **changed: object) -> str:
        """A token that is good for an hour, with claims changed or, if None, left out."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "recruiting-app",
            "exp": int(time.time()) + 3600,
            "scope": "invite",
        } | changed
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.private,
            algorithm=self.algorithm,
            headers={"kid": self.kid} if headers is None else headers,
        )


def signing_key(kid: str, algorithm: str = "ES256") -> SigningKey:
    if algorithm == "EdDSA":
        return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
    if algorithm.startswith("ES"):
        return SigningKey(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
    return SigningKey(kid, algorithm, rsa.generate_private_key(65537, 2048))


def key_set(*keys: SigningKey) -> bytes:
    return json.dumps({"keys": [key.published() for key in keys]}).encode()


@dataclass
class Provider:
    """Answers with `body` and `status`, and counts how often it was asked."""

    url: str
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def publish(self, *keys: SigningKey) -> None:
        self.status, self.body = 200, key_set(*keys)

    def fail(self, status: int = 503) -> None:
        self.status, self.body = status, b"secret reason"


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked += 1
            self.send_response(provider.status)
            for name, value in provider.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(provider.body)))
            self.end_headers()
            self.wfile.write(provider.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}/keys")
    with serving(server):
        yield provider
