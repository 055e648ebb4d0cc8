"""Aave V3's arithmetic by version: interest, token rounding, account health, liquidation amounts, rate curve. Integers in, integers out."""
