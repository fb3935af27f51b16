"""What all doors share: who asks, starting a run, following its log, server-sent events."""
