"""A whole market from block to block: logs say who moved, the chain says what they hold, the book says who changed band."""
