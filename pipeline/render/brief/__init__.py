"""The brief that two neighbouring cities take to one table."""
