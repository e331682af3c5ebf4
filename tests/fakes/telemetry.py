"""A gateway that is watched, and what its log and its metrics say."""

from __future__ import annotations

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.settings.store_url import IN_MEMORY
from gateway.upstream.call import Call
from gateway.upstream.wire import Exchange, Fault, NoReply, Reply
from tests.fakes.observed import observed_app
from tests.fakes.settings import settings

DOCUMENT = """mutation Hire($input: InviteCandidateInput!) { inviteCandidate(input: $input) {
  __typename ... on InviteError { code outcome } } }"""


INVITED = Reply(200, b'{"application_id": 91}')


class Answering:
    """An upstream that answers each call with the next of these, the last one for ever."""

    def __init__(self, *exchanges: Exchange, rereads: bool = False) -> None:
        self.exchanges = list(exchanges)
        self.rereads = rereads

    async def send(self, call: Call) -> Exchange:
        if call.body is None:
            return NoReply(Fault.CONNECT, possibly_sent=False)
        return self.exchanges.pop(0) if len(self.exchanges) > 1 else self.exchanges[0]

    def reread_api_key(self) -> bool:
        return self.rereads

    async def aclose(self) -> None:
        pass


def gateway(
    *exchanges: Exchange, upstream: Answering | None = None, rereads: bool = False, **given: object
) -> TestClient:
    upstream = upstream or Answering(*(exchanges or (INVITED,)), rereads=rereads)
    given = {"store_url": SecretStr(IN_MEMORY), "retry_attempts": 1, "read_back": False, **given}
    return TestClient(observed_app(settings(**given), upstream))


def invite(client: TestClient, headers: dict[str, str] | None = None, **changed: object):
    given = {"candidateName": "Ada", "candidateEmail": "ada@example.com", "trackId": 6578}
    body = {"query": DOCUMENT, "variables": {"input": given | changed}}
    return client.post("/graphql", json=body, headers=headers)


def invite_many(client: TestClient, *emails: str, key: str | None = None):
    candidates = [{"candidateName": "Ada", "candidateEmail": email} for email in emails]
    document = """mutation Hire($input: InviteCandidatesInput!) {
      inviteCandidates(input: $input) { invitedCount } }"""
    body = {"query": document, "variables": {"input": {"trackId": 1, "candidates": candidates}}}
    headers = {} if key is None else {"idempotency-key": key}
    return client.post("/graphql", json=body, headers=headers)


def lines(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in found if line["event"] == event]


def samples(client: TestClient) -> dict[str, float]:
    """The metrics as `name{label=value,…}`, those at zero left out."""
    text = client.get("/metrics").text
    return {
        sample.name
        + "".join(f"{{{k}={v}}}" for k, v in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value
    }
