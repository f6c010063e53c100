"""The built-in suites, one module each: `NAME.py` exports `SUITE`, whose `name` is NAME."""
