"""What the home page shows, read in as many queries for a thousand groups as for one. Writes nothing.

`cards` are groups, `needs` what waits for whoever looks, `running` what is under way, `health` how the installation
stands, `activity` who did what, `welcome` the first steps; `drawing` and `day` are the geometry of their pictures.
"""
