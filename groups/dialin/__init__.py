"""The web process's side of agents' processes: what is said on their sockets, kept in rows, told to whoever waits."""
