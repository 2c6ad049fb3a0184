"""Checks of arguments, threads, logging: what every folder may use."""
