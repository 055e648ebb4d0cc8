"""Whether what is configured can be relied on: endpoints one by one, markets, and our figures against the contracts' own."""

from __future__ import annotations

from watcher.check.chain import check_chain
from watcher.check.finding import About, Finding, Result, partial

__all__ = ["About", "Finding", "Result", "check_chain", "partial"]
