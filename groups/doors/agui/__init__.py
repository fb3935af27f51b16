"""A group as an agent of the AG-UI protocol 1.0 (https://docs.ag-ui.com), with a profile for 0.1."""
