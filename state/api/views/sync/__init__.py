"""What is about syncing: changes as a long poll, as a stream and as a snapshot; connections of agents; sync tasks."""
