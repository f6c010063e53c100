"""Finding what rows and benchmark items share: n-grams, alignment, texts alike, kept by shard."""
