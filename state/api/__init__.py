"""The REST door to shared states: it identifies the caller, asks the StateManager, and says the answer in HTTP."""
