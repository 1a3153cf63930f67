"""What the map colours areas by, computed from counts and people. Pure (docs/methods/measures.md)."""
