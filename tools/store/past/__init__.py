"""What happened to rows: the history of a version, refused drafts, people's rulings."""
