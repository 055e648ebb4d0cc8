"""`watcher run`: one chain, one block after another: read → value → audit → fold → record → deliver."""
