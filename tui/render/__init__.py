"""How answers look to people, one module per noun: values in, lines out. Nothing here prints."""
