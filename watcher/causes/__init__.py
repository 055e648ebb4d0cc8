"""What stands behind a move of health: the facts of a position along a stretch of blocks, and whose deeds changed them."""
