"""The risk of a whole market: `watcher scan --risk`."""
