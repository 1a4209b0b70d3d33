"""What staff look up at UTOPIA and PowerCode, and what administrators change there by hand."""
