"""What the package is made with."""
