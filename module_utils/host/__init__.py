"""What the inspection of a host is made of: one file per subject, pure parsers apart from I/O."""
