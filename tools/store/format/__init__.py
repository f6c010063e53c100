"""What a record says: formats and their detection, mappings, pieces of text and the paths to them."""
