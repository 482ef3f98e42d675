"""The HTTP service: a model, live events and swaps behind a small API."""
