"""Rows of a dataset as lines of text: themselves, beside each other, what became of them and why."""
