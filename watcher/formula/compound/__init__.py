"""The exact arithmetic of Compound V2 and of what descends from it: one file per noun."""
