"""The dashboard: thin shells that find the actor, call one service or selector, and render."""
