"""Training: one network at a time, then the proportions of their mean."""
