"""The tools an agent may be granted: what each does, within the bounds of its grant, whatever a text asks for.

Pure of the database: `groups.engine.toolbox` gives what reaches beyond the run.
"""
