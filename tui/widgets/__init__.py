"""What is on the screen, one widget per file. They know cells, keys and messages; they ask the workspace in threads."""
