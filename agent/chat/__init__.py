"""A conversation: its graph, what a model is offered and told, who is asked before it acts, and the file it is kept in."""
