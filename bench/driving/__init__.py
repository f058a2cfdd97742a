"""What the scripts of bench/ share: figures, programs with lines, masters on an ensemble."""
