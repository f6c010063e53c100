"""Documents about a dataset in which every number is a fact that can be checked again."""
