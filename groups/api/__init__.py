"""REST, version 1: thin views that identify the actor, call one service or selector, and render."""
