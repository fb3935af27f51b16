"""The kind `a2a`: an agent elsewhere that speaks the Agent2Agent protocol, 1.0 or 0.3 (needs the extra `a2a`).

Kept free of imports, so that settings are checked without loading the protocol's library.
"""
