"""Evaluation: full ranking of held-out events by every network and mean."""
