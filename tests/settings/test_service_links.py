"""What Kubernetes puts into the environment for its Services is no setting."""

from __future__ import annotations

import pytest

from gateway.settings.loading import SettingsError, load_settings
from gateway.settings.model import Settings
from tests.fakes.environment import plain_environment


@pytest.fixture
def environment(monkeypatch, tmp_path):
    put = plain_environment(monkeypatch, tmp_path)
    put(UPSTREAM_API_KEY="key", AUTH="none")
    return put


def links(service: str) -> dict[str, str]:
    """What the kubelet sets for a Service at 10.0.0.1:80, after its documentation."""
    name = service.upper().replace("-", "_").removeprefix("GATEWAY").removeprefix("_")
    begin = f"{name}_" if name else ""
    return {
        f"{begin}SERVICE_HOST": "10.0.0.1",
        f"{begin}SERVICE_PORT": "80",
        f"{begin}SERVICE_PORT_HTTP": "80",
        f"{begin}PORT": "tcp://10.0.0.1:80",
        f"{begin}PORT_80_TCP": "tcp://10.0.0.1:80",
        f"{begin}PORT_80_TCP_PROTO": "tcp",
        f"{begin}PORT_80_TCP_PORT": "80",
        f"{begin}PORT_80_TCP_ADDR": "10.0.0.1",
    }


@pytest.mark.parametrize(
    "service", ["gateway", "gateway-metrics", "gateway-store", "gateway-operations", "gateway-host"]
)
def test_a_service_named_like_the_gateway_does_no_harm(environment, tmp_path, service):
    """The settings are those that were given, also where the name of one is taken."""
    (tmp_path / ".env").write_text("GATEWAY_PORT=9000\n")
    environment(**links(service))

    assert load_settings(Settings).port == 9000


def test_another_wrong_port_is_a_fault(environment):
    """What no Service brings is not overlooked."""
    environment(PORT="http://10.0.0.1:80", UPSTREAM_URL="tcp://10.0.0.1:80")

    with pytest.raises(SettingsError) as caught:
        load_settings(Settings)

    named = [fault.partition(":")[0] for fault in caught.value.faults]
    assert named == ["GATEWAY_UPSTREAM_URL", "GATEWAY_PORT"]
