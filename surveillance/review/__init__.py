"""Addresses that a person should look at: which wait, what people decided, and what was learnt from it."""
