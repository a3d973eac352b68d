"""Administrative boundaries: a module per place that they come from."""
