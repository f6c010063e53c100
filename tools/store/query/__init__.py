"""SQL over a version: the validator, and the views a query may name."""
