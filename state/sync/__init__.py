"""State sync: subscribers of a space get every change they may see, in order, and know when they are current.

Kept free of imports, so that `state.sync.client` and `state.sync.protocol` need no Django.
"""
