"""The integration index: indicators by dimension, scores, and the index of a metro."""
