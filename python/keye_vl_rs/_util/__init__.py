"""Helpers for every folder: checks of arguments, threads, logging, texts for messages."""
