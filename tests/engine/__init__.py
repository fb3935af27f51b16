"""Runs carried out by real threads, with agents that do as each test says."""
