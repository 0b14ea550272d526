"""Rate limiter nodes."""
