"""A whole market found and read: who ever owed in it, by logs; what they hold, all at one block; and the proof that nobody is missing."""
