from __future__ import annotations

import asyncio
import io
import json
import socket
import subprocess
import sys
from threading import Event

import pytest

from tests.alerts.hook import hook
from watcher.alerts.channels import Apprise, Console
from watcher.alerts.message import Message
from watcher.alerts.send import verdict
from watcher.errors import DeliveryError

MESSAGE = Message("3f3f", "WARN: treasury", "watch → warn\nid 3f3f")
SECRET = "hunter2-hunter2"


def failure(channel: Apprise) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        asyncio.run(channel.deliver(MESSAGE))
    assert SECRET not in str(failed.value)
    return failed.value


def test_the_console_gets_title_and_text() -> None:
    stream = io.StringIO()
    asyncio.run(Console(stream).deliver(MESSAGE))
    assert stream.getvalue() == "WARN: treasury\nwatch → warn\nid 3f3f\n\n"


def test_a_console_that_is_gone_is_a_failed_delivery() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(DeliveryError, match="console: Broken pipe"):
        asyncio.run(Console(Gone()).deliver(MESSAGE))


def test_a_webhook_gets_title_and_text_with_the_id_as_they_are() -> None:
    with hook() as told:
        asyncio.run(Apprise("hook", f"json://127.0.0.1:{told.port}/{SECRET}", allow_private=True).deliver(MESSAGE))
    (body,) = told.bodies
    assert (body["title"], body["message"]) == (MESSAGE.title, MESSAGE.body)


def test_f49_this_machine_is_not_connected_to_unless_allowed() -> None:
    with hook() as told:
        failed = failure(Apprise("hook", f"json://127.0.0.1:{told.port}/{SECRET}"))
    assert told.bodies == []
    assert failed.permanent
    assert failed.reason == (
        "not connected: 127.0.0.1 is no public address; set allow_private for this channel if that is meant"
    )


@pytest.mark.slow
@pytest.mark.parametrize("host", ["localhost", "2130706433", "[::ffff:127.0.0.1]"])
def test_f49_nor_by_another_name_for_it(host: str) -> None:
    with hook() as told:
        failed = failure(Apprise("hook", f"json://{host}:{told.port}/{SECRET}"))
    assert told.bodies == []
    assert "no public address" in failed.reason or "cannot read the URL" in failed.reason
    assert failed.permanent


REBOUND = """
import json, socket, sys
answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, PORT))] for host in ("127.0.0.1",) * 9]
socket.getaddrinfo = lambda *given, **named: answers.pop(0)
from watcher.alerts.send import outcome
print(json.dumps(outcome({"url": "json://hooks.example:PORT/", "title": "t", "body": "b", "allow_private": False})))
"""


def test_f49_a_public_name_that_leads_to_this_machine_is_checked_where_it_leads() -> None:
    """A lookup just before the connection could be answered otherwise than the one in it: what counts is the connection's own."""
    with hook() as told:
        script = REBOUND.replace("PORT", str(told.port))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.bodies == []
    assert "127.0.0.1 is no public address" in json.loads(done.stdout)["reason"]


def test_f49_a_redirect_is_not_followed_whatever_the_url_asks_for() -> None:
    with hook() as inner, hook(status=307, location=f"http://127.0.0.1:{inner.port}/") as outer:
        url = f"json://127.0.0.1:{outer.port}/{SECRET}?redirect=yes&verify=no"
        failed = failure(Apprise("hook", url, allow_private=True))
    assert len(outer.bodies) == 1
    assert inner.bodies == []
    assert (failed.reason, failed.permanent) == ("the service answered 307 (redirects are not followed)", True)


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (403, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_f50_what_the_service_answers_decides_whether_to_try_again(status: int, permanent: bool) -> None:
    assert verdict([], [200, status]) == {
        "delivered": False,
        "permanent": permanent,
        "reason": f"the service answered {status}",
    }


@pytest.mark.slow
@pytest.mark.parametrize(("status", "permanent"), [(403, True), (503, False)])
def test_f50_a_service_is_asked_once_each_time(status: int, permanent: bool) -> None:
    with hook(status=status) as told:
        failed = failure(Apprise("hook", f"json://127.0.0.1:{told.port}/{SECRET}", allow_private=True))
    assert (failed.reason, failed.permanent) == (f"the service answered {status}", permanent)
    assert len(told.bodies) == 1


@pytest.mark.slow
def test_f50_a_service_that_is_down_or_hangs_is_tried_again_later() -> None:
    with socket.socket() as held:  # bound and not listening: nobody answers there, and nobody else can take the port
        held.bind(("127.0.0.1", 0))
        gone = failure(Apprise("hook", f"json://127.0.0.1:{held.getsockname()[1]}/{SECRET}", allow_private=True))
    assert (gone.reason, gone.permanent) == ("no usable answer from the service", False)
    with hook(hang=Event()) as told:
        hung = failure(Apprise("hook", f"json://127.0.0.1:{told.port}/{SECRET}", allow_private=True, patience=2))
    assert (hung.reason, hung.permanent) == ("no answer in 2 s", False)


@pytest.mark.slow
def test_a_pasted_address_of_no_known_service_is_refused_for_good() -> None:
    failed = failure(Apprise("hook", f"https://example.com/{SECRET}"))
    assert (failed.reason, failed.permanent) == ("apprise cannot read the URL; see its page of that service", True)


@pytest.mark.slow
def test_f49_no_proxy_hides_where_a_message_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as proxy, hook() as told:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        failed = failure(Apprise("hook", f"json://127.0.0.1:{told.port}/{SECRET}"))
    assert (proxy.bodies, told.bodies, failed.permanent) == ([], [], True)
