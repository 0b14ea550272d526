"""An HTTP service behind limits and a circuit."""
