"""Rows that repeat other rows."""
