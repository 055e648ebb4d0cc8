"""The risk of a wallet: `watcher account --risk`, from the stored past of prices to tables and records."""
