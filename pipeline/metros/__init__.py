"""The shipped metros, and what a metro file may say."""
