"""The group as an agent for others: foreign protocols, each a thin shell over the same services and the same log."""
