"""NumPy's side of the types."""
