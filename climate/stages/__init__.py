"""Stages of dvc.yaml: read, call, write."""
