"""Webhooks of state sync: which addresses may be sent to, how messages are signed, and the sending of one message.

What is sent, in which order and how often it is tried again is decided elsewhere.
"""
