"""Pictures for people, one file each over a common style. They show what was computed elsewhere and compute nothing. Needs matplotlib."""
