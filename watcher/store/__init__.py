"""What was read, written down: facts when they change, readings, transitions and gaps, in SQLite or PostgreSQL."""
