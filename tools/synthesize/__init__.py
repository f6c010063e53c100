"""Making rows: strategies (what is asked of a model, and how its answer is checked) and the tools that run them."""
