"""Tools that look at a version and change nothing."""
