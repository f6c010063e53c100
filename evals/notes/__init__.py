"""Data without a card: files, and the notes that their keepers left."""
