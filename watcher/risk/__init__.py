"""From a health factor to a risk: margin, distance, probability, loss. Pure: numbers in, numbers out, every draw from a given seed."""
