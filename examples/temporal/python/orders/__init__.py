"""Temporal workflows and activities that pay orders, guarded by Tidegate."""
