"""What a market's logs tell of its past: every liquidation with what led to it, and every change of its rules."""
