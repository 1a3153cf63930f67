"""Outbreaks (ổ dịch): linked cases within bounds, their life, and what is to be done (docs/methods/outbreaks.md)."""
