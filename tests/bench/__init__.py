"""Measuring tunnels beside each other."""
