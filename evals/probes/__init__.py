"""Probes for judges: rows whose worth is known, some of which speak to the judge."""
