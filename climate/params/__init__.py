"""params.yaml, typed and edited."""
