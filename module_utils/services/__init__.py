"""What the inspection of services is made of: units, connections, pages and names."""
