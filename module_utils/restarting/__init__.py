"""Restarts of services: whether one is due, and how it is done."""
