"""What happened, kept so that an auditor can verify it."""
