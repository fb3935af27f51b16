"""Answering in the inbox."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from groups.forms import StarsForm
from groups.inbox import Item


class AnswerForm(StarsForm):
    """`text` in words; where options are given the page shows a button for each."""

    # What may be answered is judged by the service, so that every door says the same.
    text = forms.CharField(
        label=_("Answer"), required=False, strip=False, widget=forms.Textarea({"rows": 3})
    )

    def __init__(self, data: Any = None, *, item: Item) -> None:
        super().__init__(data, auto_id=f"answer-{item.key}-%s")
        # A page that is fetched again keeps what somebody is writing.
        self.fields["text"].widget.attrs["hx-preserve"] = "true"
