"""Circuit breaker nodes."""
