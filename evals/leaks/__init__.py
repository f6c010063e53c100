"""A training set into which items of a benchmark have leaked in known ways."""
