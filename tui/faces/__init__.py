"""Faces without a screen: plain text, NDJSON, a conversation line by line, the question before spending."""
