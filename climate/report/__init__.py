"""The report: figures, sentences and pages made from numbers that other stages have written."""
