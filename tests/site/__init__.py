"""Tests of `stars_site`."""
