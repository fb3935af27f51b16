"""A group as a model of an OpenAI-compatible server: models, chat completions, responses."""
