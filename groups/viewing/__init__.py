"""How a run's log reaches those who watch it: places in the log, outboxes, who is watching, and what clients may say.

Knows neither websockets nor HTTP; `consumers` and `api.stream` are the two shells over it.
"""
