"""How a tool acts: what a call means, what it costs and asks of models, and how its result becomes a version."""
