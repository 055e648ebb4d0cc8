"""Aave's arithmetic by generation: interest, token rounding, account health, liquidation amounts, rate curve. Integers in, integers out."""
