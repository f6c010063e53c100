"""What there is in a workspace, as tables: datasets, tools, prompts, models, benchmarks, and what was done."""
