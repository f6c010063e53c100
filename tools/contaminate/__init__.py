"""Benchmarks: which rows of a dataset hold their items, and the way to take those rows out."""
