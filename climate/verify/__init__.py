"""Losses, scores and significance of hindcasts."""
