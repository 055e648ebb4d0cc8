"""Readings of the past: which blocks to read, what that costs, who still has their state, and the reading itself."""
