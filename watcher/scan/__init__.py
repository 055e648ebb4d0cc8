"""Everybody of a market who is near the line, at one block: found by the screen, told in exact integers, and proved complete."""
