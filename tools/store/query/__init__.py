"""SQL over a version: the one door to DuckDB, the validator, the views."""
