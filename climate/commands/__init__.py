"""What the command line shows and edits outside the pipeline."""
