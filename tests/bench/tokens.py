"""An identity provider for the benchmark: one key, one token."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ISSUER = "https://issuer.example"
AUDIENCE = "track-invite-gateway"
KEY_FILE = "jwks.json"


def publish_key_and_sign(folder: Path) -> str:
    """A token for a day; its key is published in KEY_FILE of the folder."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    published = {"keys": [{**public, "kid": "bench", "alg": "RS256", "use": "sig"}]}
    (folder / KEY_FILE).write_text(json.dumps(published))
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "bench", "iat": now, "exp": now + 86_400}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "bench", "typ": "at+jwt"})
