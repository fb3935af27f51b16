"""One module per noun; each method is one operation."""
