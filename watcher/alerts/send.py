"""One message to one apprise URL, in a process of its own: `python -m watcher.alerts.send`, the order on stdin, the outcome on stdout.

Alone, because the egress guard is for good, because whatever hangs or crashes in a service's code can be ended from outside, and
because nothing that such code prints (a URL, a token) gets anywhere. The outcome holds our own words only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from watcher.alerts.egress import Guard
from watcher.alerts.schemes import SCHEMES

TRANSIENT: Final = frozenset({408, 425, 429})  # client errors that another try may not meet


def outcome(order: dict[str, Any]) -> dict[str, Any]:
    """Deliver `order` (url, title, body, allow_private): delivered or not, whether for good, and why."""
    import apprise

    guard = Guard()
    if not order["allow_private"]:
        guard.stand()
    answers = _strict()
    service = apprise.Apprise.instantiate(order["url"], asset=_asset(), suppress_exceptions=True)
    if service is None:
        return _failed("apprise cannot read the URL; see its page of that service", permanent=True)
    protocols = {*_names(service.protocol), *_names(service.secure_protocol)}
    if not protocols & SCHEMES:
        return _failed("that service is not among those allowed here", permanent=True)
    if service.notify(title=order["title"], body=order["body"], body_format=apprise.NotifyFormat.TEXT):
        return {"delivered": True, "permanent": False, "reason": ""}
    return verdict(guard.refused, answers)


def verdict(refused: Sequence[str], answers: Sequence[int]) -> dict[str, Any]:
    """What a message that was not delivered came to, by what the guard refused and by the HTTP statuses that were answered."""
    if refused:
        hint = "set allow_private for this channel if that is meant"
        return _failed(f"not connected: {refused[-1]}; {hint}", permanent=True)
    status = next((one for one in reversed(answers) if one >= 300), None)
    if status is None:
        return _failed("no usable answer from the service", permanent=False)
    moved = " (redirects are not followed)" if status < 400 else ""
    return _failed(f"the service answered {status}{moved}", permanent=status < 500 and status not in TRANSIENT)


def _failed(reason: str, *, permanent: bool) -> dict[str, Any]:
    return {"delivered": False, "permanent": permanent, "reason": reason}


def _strict() -> list[int]:
    """No request of this process follows a redirect or skips a certificate, whatever its caller asked for; answers are noted."""
    import requests

    answers: list[int] = []
    ask = requests.Session.request

    def request(self: requests.Session, *args: Any, **named: Any) -> requests.Response:
        answer = ask(self, *args, **(named | {"allow_redirects": False, "verify": True}))
        answers.append(answer.status_code)
        return answer

    requests.Session.request = request  # type: ignore[method-assign]
    return answers


def _asset() -> Any:
    """Nothing is kept on disk, no foreign code is looked for, no text is interpreted."""
    import apprise

    return apprise.AppriseAsset(
        app_id="watcher",
        app_desc="watcher",
        app_url="",
        interpret_escapes=False,
        interpret_emojis=False,
        plugin_paths=[],
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        secure_logging=True,
    )


def _names(protocol: Any) -> tuple[str, ...]:
    """A service names its schemes as nothing, a text, or several."""
    if not protocol:
        return ()
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def main() -> None:
    print(json.dumps(outcome(json.load(sys.stdin))))  # noqa: T201  # the outcome is this program's output


if __name__ == "__main__":
    main()
