"""Whole screens: the first one, the conversation with its pane, and what is laid over it for a moment."""
