"""The management commands of shared states."""
