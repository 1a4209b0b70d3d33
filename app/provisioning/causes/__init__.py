"""Causes: why orders need a person, one for all orders that one decision would settle."""
