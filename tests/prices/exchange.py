"""A loopback server in the shape of two exchanges, which knows ETH and misbehaves as it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

HOUR = 3600


@dataclass
class Told:
    """`closes` by opening time. `answers` are (status, headers, body) given instead, one after another, before it behaves."""

    closes: dict[int, str]
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> tuple[int, dict[str, str], str]:
        self.asked.append(path)
        if self.answers:
            return self.answers.pop(0)
        split = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        return self.binance(query) if split.path == "/api/v3/klines" else self.coinbase(split.path, query)

    def binance(self, query: dict[str, str]) -> tuple[int, dict[str, str], str]:
        if query["symbol"] != "ETHUSDT":
            return 400, {}, '{"code":-1121,"msg":"Invalid symbol."}'
        first, last = int(query["startTime"]) // 1000, int(query["endTime"]) // 1000
        rows = [
            [time * 1000, close, close, close, close, "1", (time + HOUR) * 1000 - 1]
            for time, close in sorted(self.closes.items())
            if first <= time <= last
        ]
        return 200, {}, json.dumps(rows[: int(query["limit"])])

    def coinbase(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Numbers, the newest first, and one candle before the start, as its documentation allows."""
        if path != "/products/ETH-USD/candles":
            return 404, {}, '{"message":"NotFound"}'
        first, last = int(query["start"]), int(query["end"])
        if (last - first) // HOUR + 1 > 300:
            return 400, {}, '{"message":"granularity too small for the requested time range"}'
        rows = [
            f"[{time},{close},{close},{close},{close},1]"
            for time, close in sorted(self.closes.items(), reverse=True)
            if first - HOUR <= time <= last
        ]
        return 200, {}, f"[{','.join(rows)}]"


@contextmanager
def exchange(closes: dict[int, str]) -> Iterator[Told]:
    told = Told(closes)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, text = told.answer(self.path)
            body = text.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    told.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
