"""Tables, texts and training pairs with planted defects whose truth is known, and how findings are scored.

`families` do the planting, `bases` are the clean data, `making` turns a seed into files and truth, `scoring` compares.
"""
