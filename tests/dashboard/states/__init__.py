"""The pages of shared states."""
