"""Journeys of a person through the pages, in a real Chromium."""
