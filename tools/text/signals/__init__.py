"""What rules measure of a text: words, lines, repetition, web pages."""
