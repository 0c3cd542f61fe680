"""Readers, one module per publisher's format."""
