"""How Ansible is run, watched and ended."""
