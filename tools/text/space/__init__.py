"""Texts as vectors: the built-in embedder, vectors from elsewhere, k-means."""
