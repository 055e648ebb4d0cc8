"""The sign of life that somebody else waits for: a request after a complete cycle. Its absence is the alarm: a failure is only logged."""

from __future__ import annotations

import logging
from typing import Final

import aiohttp

from watcher.chain.endpoint import Endpoint

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0  # seconds


async def ping(server: Endpoint) -> bool:
    """Whether `server` took it. Redirects are not followed, and the URL, which is a secret, is in no message."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(server.url, allow_redirects=False) as response,
        ):
            if response.status < 300:
                return True
            log.warning("%s answered %d", server.name, response.status)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("%s could not be reached: %s", server.name, type(error).__name__)
    return False
