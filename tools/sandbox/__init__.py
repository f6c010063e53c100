"""SQL that a model wrote, behind three walls: the validator, DuckDB's locked settings, and a process that may do nothing.

`query.ask` is the way in. The validator (`store/query/sql`) accepts questions only; `child` locks DuckDB and answers in a
process of its own for each question; `jail` takes from that process all that the question does not need.
"""
