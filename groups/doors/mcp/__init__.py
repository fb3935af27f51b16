"""Groups as tools of the Model Context Protocol, for clients of 2026-07-28 and of 2025-11-25."""
