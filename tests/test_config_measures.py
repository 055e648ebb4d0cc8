"""[[bands.measures]] of watcher.toml: alarms at other figures than health."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from watcher.config.read_watch import parse_watch
from watcher.config.watch import Watch
from watcher.errors import ConfigError
from watcher.health.limits import Limits
from watcher.health.measure import Measure
from watcher.model import Status

ONE: Any = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
FULL = f"""\
[[wallets]]
address = "{ONE}"
label = "cold"

[bands]
[[bands.measures]]
measure = "margin_utilisation"
watch = "50%"
warn = 0.7
danger = "85 %"
critical = 0.95

[[bands.measures]]
measure = "chance_1d"
wallet = "cold"
market = "ethereum/aave-v3/core"
warn = "0.5%"

[[bands.measures]]
measure = "runway"
danger = "30d"
critical = "7d"
"""


def read(text: str) -> Watch:
    return parse_watch(text, Path("watcher.toml"), {})


def test_each_measure_is_read_exactly_in_its_own_unit() -> None:
    steps = (Status.WATCH, Status.WARN, Status.DANGER, Status.CRITICAL)
    numbers = (Fraction(1, 2), Fraction(7, 10), Fraction(17, 20), Fraction(19, 20))
    assert read(FULL).measured({}) == (
        Limits(Measure.MARGIN_UTILISATION, tuple(zip(steps, numbers, strict=True))),
        Limits(Measure.CHANCE_1D, ((Status.WARN, Fraction(1, 200)),), ONE, "ethereum/aave-v3/core"),
        Limits(Measure.RUNWAY, ((Status.DANGER, Fraction(30 * 86_400)), (Status.CRITICAL, Fraction(7 * 86_400)))),
    )
    assert read(f'[[wallets]]\naddress = "{ONE}"\n').limits == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"margin_utilisation"', '"margin_utilization"', "bands.measures[0].measure: expected equity_over_mm, mm_over"),
        ('measure = "margin_utilisation"\n', "", "bands.measures[0]: measure is missing: one of equity_over_mm, mm_o"),
        ("warn = 0.7", "wran = 0.7", "bands.measures[0].wran: unknown key; did you mean 'warn'?"),
        ("warn = 0.7", "warn = 0.9", "bands.measures[0]: margin_utilisation: danger must lie above warn"),
        ("warn = 0.7", "warn = 70", "bands.measures[0]: margin_utilisation: danger must lie above warn"),
        ("warn = 0.7", 'warn = "much"', "bands.measures[0].warn: expected a number, or percent as a text"),
        ("warn = 0.7", "warn = nan", "bands.measures[0].warn: expected a number"),
        ('watch = "50%"', "watch = 0", "bands.measures[0]: margin_utilisation: every number must lie above 0"),
        ('"7d"', '"60d"', "bands.measures[2]: runway: critical must lie below danger"),
        ('"7d"', "7", "bands.measures[2].critical: expected a time above 0"),
        ('warn = "0.5%"\n', "", "bands.measures[1]: chance_1d: write at least one of watch, warn, danger, critical"),
        ('wallet = "cold"', 'wallet = "gold"', "bands.measures[1].wallet: no wallet has the label 'gold'"),
        ("v3/core", "v3/cor", "bands.measures[1].market: no market 'ethereum/aave-v3/cor' is configured"),
        (
            '"runway"\ndanger = "30d"\ncritical = "7d"',
            '"margin_utilisation"\nwarn = 0.7',
            "bands.measures[2]: another [[bands.measures]] is about margin_utilisation of the same",
        ),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(old: str, new: str, said: str) -> None:
    assert old in FULL
    with pytest.raises(ConfigError) as caught:
        read(FULL.replace(old, new, 1))
    place, _, rest = str(caught.value).removeprefix("watcher.toml:").partition(": ")
    assert rest.startswith(said)
    assert place.isdecimal()


def test_a_chance_before_the_owner_can_act_needs_to_know_when_that_is() -> None:
    late = FULL.replace("chance_1d", "chance_reaction")
    with pytest.raises(ConfigError, match='bands: a limit on chance_reaction needs reaction = "2h"'):
        read(late)
    assert read(late + '[risk]\nreaction = "6h"\n').risk.reaction == 6 * 3_600
