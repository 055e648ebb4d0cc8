from __future__ import annotations

from watcher.alerts.throttle import Throttle


def test_f44_a_failing_store_is_said_at_most_every_quarter_of_an_hour() -> None:
    throttle, said = Throttle(), []
    for now in range(0, 3_600, 12):
        if throttle.open(now):
            said.append(now)
            throttle = throttle.said(now)
    assert said == [0, 900, 1_800, 2_700]
