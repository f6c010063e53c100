"""The tabs of the pane beside the conversation."""
