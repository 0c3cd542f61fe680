"""Networks trained on the record of one region."""
