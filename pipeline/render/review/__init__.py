"""Pages that set two states of one metro side by side: scenarios and comparisons."""
