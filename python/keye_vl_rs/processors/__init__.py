"""Processors for transformers: of text, images and videos."""
