"""Positions as they were read, with the stored past of prices, to figures of risk: what `watcher.risk` computes, of what is really held."""
