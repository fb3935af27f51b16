"""A group as an agent of the A2A protocol, 1.0 and 0.3: a run is a task, its log the task's stream."""
