"""Faults on order: what the embedded services do wrong, and what happens to the process that calls them."""
