"""What goes in and out over REST, one module per noun. Shape is checked here; rules are the services'."""
