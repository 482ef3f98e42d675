"""The weighted mean of the networks: layer, proportions, top-k and ranks."""
