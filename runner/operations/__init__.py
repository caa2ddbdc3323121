"""The use cases, each a short readable story."""
