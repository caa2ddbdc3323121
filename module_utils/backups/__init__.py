"""What the inspection of backups is made of: declared sets, read without opening them for writing."""
