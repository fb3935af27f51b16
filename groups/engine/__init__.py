"""What carries runs out in a worker process: an event loop for agents, one thread that writes.

`engine` hands out slots and keeps leases, `attempt` performs one subtask, `writer` commits in groups.
"""
