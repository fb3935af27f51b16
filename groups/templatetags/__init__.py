"""Tags and filters of the templates; formatting only."""
