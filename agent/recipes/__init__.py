"""Recipes: what one says, running it, its lock and expectations, and a history told or done again as one."""
