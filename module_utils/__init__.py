"""What modules on the hosts share with each other and, as far as observations go, with the controller."""
