"""Numbers of the protocol: versions, limits, close codes, times."""

from __future__ import annotations

from typing import Final

from state import jsonvalue

PROTO: Final = 1
#: The websocket subprotocol; asking for it is optional.
SUBPROTOCOL: Final = "stars.sync.v1"
#: Bytes of a client's frame (UTF-8): the largest document and what is around it; and before it was welcomed.
MAX_FRAME: Final = 1024 * 1024 + 64 * 1024
MAX_GREETING: Final = 8 * 1024
#: Characters of frames that are read in a thread, for the event loop would stand still meanwhile.
APART: Final = 32 * 1024
MAX_SUBSCRIPTIONS: Final = 64
#: Of JSON, with the frame around a document.
DEPTH: Final = jsonvalue.MAX_DEPTH + 8
#: Of one connection.
MAX_WRITES: Final = 64
MAX_PATTERNS: Final = 1000

#: Close codes (4000-4999 are the application's: RFC 6455, 7.4.2). 1012 is "service restart".
NOT_AUTHENTICATED: Final = 4401
DENIED: Final = 4403
SLOW: Final = 4408
SUPERSEDED: Final = 4409
HEARTBEAT: Final = 4410
#: Frames come faster than they can be looked at, after refusals by `error` (code 429).
FLOOD: Final = SLOW
BROKEN: Final = 4400  # no hello, or one of another protocol
RESTART: Final = 1012
#: "Try again later": something that Stars needs does not answer.
AWAY: Final = 1013

#: Seconds between the server's heartbeats; a client answers each within ANSWER, two missed ones end the socket.
HB_S: Final = 15
ANSWER: Final = 10
#: Seconds of silence after which a client connects again.
SILENCE: Final = 40
#: Seconds in which the first frame, hello, has to come.
HELLO_S: Final = 10
#: Seconds in which welcome follows it.
WELCOME_S: Final = 20
#: What may be sent and not acknowledged, per connection (2.3); entries by SyncConfig.queue_buffer_size.
WINDOW_ENTRIES: Final = 256
WINDOW_BYTES: Final = 1024 * 1024
#: Characters that the server puts into one frame of states or entries; one state or revision alone may be larger.
PART: Final = 256 * 1024
#: Seconds that a parked connection may go without acknowledging.
PARKED_S: Final = 60
#: Frames of more characters than this may be compressed.
COMPRESS_FROM: Final = 1024
