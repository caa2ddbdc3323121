"""Each figure that this project claims, measured against a peer in one run."""
