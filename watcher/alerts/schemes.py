"""Services that an alert may go to: those that carry a text to a person or to a paging service, over the internet.

Left out on purpose: whatever acts on this machine (desktop notes, syslog, D-Bus), speaks a protocol that cannot be guarded, or needs a
file beside the URL.
"""

from __future__ import annotations

from typing import Final

from watcher.errors import ConfigError

PLAIN_OR_SECURE: Final = frozenset(
    "apprise form gotify hassio json mailto matrix mmost nctalk ntfy rocket signal".split()  # noqa: SIM905
)  # each with its "s" twin
SERVICES: Final = frozenset(
    "betterstack brevo dingtalk discord feishu flock gchat groupme ifttt incidentio join lark line mailgun opsgenie pagerduty "  # noqa: SIM905
    "pagertree pbul postmark pover prowl pushy resend sendgrid ses signl4 slack sns spike splunk squadcast tgram threema twilio "
    "twist victorops vonage webex whatsapp workflow workflows wxteams zulip".split()
)
SCHEMES: Final = SERVICES | PLAIN_OR_SECURE | {f"{scheme}s" for scheme in PLAIN_OR_SECURE}


def scheme(url: str) -> str:
    """The scheme of an apprise URL that is allowed here, or `ConfigError`, which does not show the URL.

    `https` is a hook's address as the service itself shows it (Slack, Discord …): which service that is, is looked at when it is used.
    """
    found = url.partition("://")[0].lower() if "://" in url else ""
    if found != "https" and found not in SCHEMES:
        what = f"{found}:// is not among them" if found.isalnum() else "this is none"
        raise ConfigError(
            f"a channel is an apprise URL of a service allowed here; {what}: {', '.join(sorted(SCHEMES))}"
        )
    return found
