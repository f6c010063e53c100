"""Rows that should not be in a training set."""
