"""Pages of shared states: the list, one state, its history, its policy, and the conflicts that wait for somebody."""
