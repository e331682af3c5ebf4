"""One memory for one person at one machine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from gateway.invites.clocks import Moment
from gateway.invites.doubt import Doubt
from gateway.invites.models import InviteOutcome
from gateway.invites.record import State, first_claim
from gateway.spreadsheet.memory import (
    Memory,
    account_of,
    data_folder,
    is_own_store,
    with_own_store,
)
from tests.fakes.invites import a_replica
from tests.fakes.records import LEASE_SECONDS, NOW, a_request
from tests.fakes.settings import settings


def test_the_users_own_store_is_the_same_everywhere(monkeypatch, tmp_path):
    """Without a setting it lies in the user's data folder, from wherever the command is run."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    chosen = with_own_store(settings())
    monkeypatch.chdir(tmp_path)

    again = with_own_store(settings())

    assert chosen.store_url == again.store_url
    assert is_own_store(chosen)
    assert data_folder().is_relative_to(tmp_path / "data")


def test_a_store_that_is_set_is_taken():
    """Several people may share one."""
    chosen = settings(store_url=SecretStr("postgresql://db/invites"))

    assert with_own_store(chosen) == chosen
    assert not is_own_store(chosen)


@pytest.mark.parametrize(
    ("url", "name", "account"),
    [
        ("https://app.example.com/api/v2", None, "app.example.com"),
        ("https://user@APP.example.com/api/v3/", None, "app.example.com"),
        ("http://127.0.0.1:8001", "north", "127.0.0.1:8001 north"),
    ],
)
def test_accounts(url, name, account):
    """Neither a new key nor a new version of the platform's interface makes another account."""
    assert account_of(url, name) == account


async def test_somebody_known_from_a_report_is_remembered():
    """From then on no report is needed; a record that is there is left alone."""
    replica = await a_replica(by_person=True)
    memory = Memory(replica.records, "here")
    await memory.adopt(a_request())
    before = await memory.record_of(a_request())

    await memory.adopt(a_request())
    result = await replica.invite(scope="here")

    assert await memory.record_of(a_request()) == before
    assert result.outcome is InviteOutcome.INVITED
    assert replica.upstream.posts == []


async def test_who_is_known():
    """By account and address, whatever the name."""
    replica = await a_replica()
    person = replica.records.hasher.identify_person(a_request(), account="here")
    await replica.records.store.insert(first_claim(person, now=NOW, lease_seconds=LEASE_SECONDS))
    renamed = a_request(candidate_name="Countess", candidate_email="ADA@example.com")

    assert await Memory(replica.records, "here").record_of(renamed) is not None
    assert await Memory(replica.records, "there").record_of(renamed) is None


async def test_when_a_look_up_may_settle_a_doubt():
    """At the end of the lease, then of the quiet period after a look without the person."""
    replica = await a_replica(by_person=True)
    memory, store = Memory(replica.records, "here"), replica.records.store
    request = a_request()
    unheard_of = await memory.settles_at(request, quiet_seconds=300)
    identity = replica.records.hasher.identify_person(request, account="here")
    sending = first_claim(identity, now=NOW, lease_seconds=LEASE_SECONDS)
    await store.insert(sending)
    in_progress = await memory.settles_at(request, quiet_seconds=300)
    unreadable = replace(sending, state=State.UNKNOWN, doubt=Doubt.UNREADABLE)
    await store.swap(unreadable, was=sending)
    not_looked_up = await memory.settles_at(request, quiet_seconds=300)
    absent = Moment(wall=NOW + 10, ticks=0.0, boot="here")
    not_listed = replace(unreadable, doubt=Doubt.NOT_LISTED, absent=absent)
    await store.swap(not_listed, was=unreadable)

    assert (unheard_of, in_progress, not_looked_up) == (None, NOW + LEASE_SECONDS, None)
    assert await memory.settles_at(request, quiet_seconds=300) == NOW + 310
