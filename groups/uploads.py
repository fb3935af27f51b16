"""What happens to a file while a form is read: what exceeds the limit is counted, not stored."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from groups.services import attachments


class AttachmentUploadHandler(FileUploadHandler):
    """Stands first in `FILE_UPLOAD_HANDLERS` and passes chunks on until a file exceeds the limit.

    The rest is dropped, and the file arrives as an empty one with its true size, which
    `attachments.check` refuses (413) like any other that is too large. Nothing is raised here:
    the CSRF check reads the form first, and an error there would reach the user as a 500.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin to count."""
        super().new_file(*args, **kwargs)
        self._received = 0
        self._over = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """The chunk for the next handler; None when the file has exceeded the limit."""
        self._received += len(raw_data)
        if self._received <= attachments.limit():
            return raw_data
        if not self._over:
            self._over = True
            self._discard()
        return None

    def file_complete(self, file_size: int) -> UploadedFile[bytes] | None:
        """The empty stand-in of a file over the limit; None lets the next handler give the file."""
        if not self._over:
            return None
        return UploadedFile(io.BytesIO(), self.file_name, self.content_type, self._received)

    def _discard(self) -> None:
        """Have the next handlers throw away at once what they were given of this file."""
        handlers = self.request.upload_handlers if self.request else []
        for handler in handlers:
            if handler is not self:
                handler.upload_interrupted()
