"""Replies that the platform would not give are noticed."""

from __future__ import annotations

from gateway.invites.anomalies import EVERY_SECONDS, Anomalies
from gateway.invites.models import Anomaly


def test_each_is_counted_and_each_kind_is_warned_of_now_and_then(caplog):
    """A page in between must not fill the log."""
    counted: list[Anomaly] = []
    now = [0.0]
    anomalies = Anomalies(counted.append, clock=lambda: now[0])
    for _ in range(3):
        anomalies.note(Anomaly.PAGE, 200)
    anomalies.note(Anomaly.OTHER_INVITE, 201)
    now[0] = EVERY_SECONDS - 1
    anomalies.note(Anomaly.PAGE, 403)
    quiet = len(caplog.records)
    now[0] = EVERY_SECONDS
    anomalies.note(Anomaly.PAGE, 200)

    assert counted == [*[Anomaly.PAGE] * 3, Anomaly.OTHER_INVITE, Anomaly.PAGE, Anomaly.PAGE]
    assert [record.args for record in caplog.records] == [
        ("html_page", 200),
        ("other_invite", 201),
        ("html_page", 200),
    ]
    assert quiet == 2
