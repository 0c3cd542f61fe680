"""Figures: each function takes what a stage wrote and returns a drawing with its data, words and tone."""
