"""The values that travel through the core."""

from tests.invites.records import a_request


def test_request_does_not_show_who_is_invited_nor_the_key():
    """An error's message that quotes a request holds no name, no address and no secret."""
    request = a_request(upstream_api_key="xobin-secret")

    shown = repr(request)

    for secret in (request.candidate_name, request.candidate_email, "xobin-secret"):
        assert secret not in shown
    assert "6578" in shown
