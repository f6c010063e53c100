"""Near-duplicates: shingles, candidates, bounds and exact similarity; winnowed spans."""
