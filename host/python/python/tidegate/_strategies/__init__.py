"""The strategies, a folder each: settings, errors, handles of both faces, and the workflow node."""
