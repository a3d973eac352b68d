"""The road network: edges and nodes of physical topology."""
