"""The grown shape: PostgreSQL, Redis, and workers as processes of their own."""
