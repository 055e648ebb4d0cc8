from __future__ import annotations

import pytest

from watcher.alerts.channels import Apprise
from watcher.alerts.schemes import SCHEMES, scheme
from watcher.errors import ConfigError

SECRET = "hunter2-hunter2"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what apprise imports
def test_every_allowed_scheme_is_one_that_apprise_knows() -> None:
    import apprise

    known = {
        name
        for plugin in apprise.Apprise().details()["schemas"]
        for name in (*(plugin["protocols"] or ()), *(plugin["secure_protocols"] or ()))
    }
    assert known >= SCHEMES


@pytest.mark.parametrize(
    "url", ["tgram://1:a/2", "JSONS://host/path", "ntfy://topic", "https://hooks.slack.com/services/a/b/c"]
)
def test_services_for_people_are_allowed(url: str) -> None:
    assert scheme(url) == url.partition(":")[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        f"syslog://{SECRET}",
        f"dbus://{SECRET}",
        f"file:///{SECRET}",
        f"http://{SECRET}",
        SECRET,
        "",
        f"rsyslog://{SECRET}",
    ],
)
def test_f49_what_acts_on_this_machine_or_is_unknown_is_refused_and_the_url_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Apprise("phone", url)
    assert SECRET not in str(refused.value)
    assert "tgram" in str(refused.value)


def test_f53_a_channel_does_not_show_its_url() -> None:
    assert SECRET not in repr(Apprise("phone", f"tgram://{SECRET}/1"))
