"""What every view of the dashboard shares: who may come in, and how a refusal looks as page, fragment or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, TypeAlias, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget
from django_htmx.middleware import HtmxDetails

from groups.forms import show_refusal
from groups.views.refusals import in_language_of_page, sentence
from state.errors import Invalid, NotAllowed, NotFound, StarsError, Unavailable


class Request(HttpRequest):
    """A request behind login, with django-htmx's details."""

    user: User
    htmx: HtmxDetails


#: Families with a page of their own. That of Unavailable asks the database nothing.
PAGES: Final[dict[type[StarsError], str]] = {
    NotFound: "404.html",
    NotAllowed: "403.html",
    Unavailable: "503.html",
}

View: TypeAlias = Callable[..., HttpResponseBase]


#: Of those who only look.
LOOKING: Final = ("GET", "HEAD")


def page(*methods: str, instead: str = "") -> Callable[[View], View]:
    """A view for signed-in people that answers `methods` only and may raise any StarsError.

    Where only forms are sent to, a browser may be left when one is refused: whoever opens the address again comes to
    the page `instead`, of the same arguments, or to the nearest one above.
    """
    answered = methods or LOOKING

    def decorate(view: View) -> View:
        @wraps(view)
        def shell(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            known = cast(Request, request)
            if not request.user.is_authenticated:
                return _sign_in(known)
            if request.method in LOOKING and "GET" not in answered:
                to = reverse(f"groups:{instead}", kwargs=kwargs) if instead else _above(request)
                return redirect(to)
            try:
                answer = view(known, *args, **kwargs)
            except StarsError as error:
                answer = refusal(known, error)
            patch_vary_headers(cast(HttpResponse, answer), ["HX-Request", "Accept"])
            return answer

        shell.looked_at = "GET" in answered  # type: ignore[attr-defined]
        return cast(View, require_http_methods([*answered, *LOOKING])(shell))

    return decorate


def refusal(request: Request, error: StarsError) -> HttpResponse:
    """The error as whoever asked can show it: JSON for scripts, a notice for htmx, a page for people."""
    error = in_language_of_page(error)
    if wants_json(request):
        body = {"reason": error.reason, "message": error.message, "fields": error.fields}
        return JsonResponse(body, status=error.status)
    if request.htmx:
        notice = render(request, "components/_notice.html", {"error": error}, status=error.status)
        return retarget(reswap(notice, "beforeend"), "#notices")
    templates = (name for family, name in PAGES.items() if isinstance(error, family))
    template = next(templates, "errors/refused.html")
    return render(request, template, {"error": error}, status=error.status)


def wants_json(request: HttpRequest) -> bool:
    """Whether a script of ours asks (`lib/http.js`)."""
    return request.headers.get("Accept", "") == "application/json"


def goes_to(request: Request, to: str, *args: object) -> HttpResponse:
    """After a write: send the browser to another page, also out of an htmx form."""
    url = resolve_url(to, *args)
    if request.htmx:
        return HttpResponseClientRedirect(url)
    return HttpResponse(status=HTTPStatus.SEE_OTHER, headers={"Location": url})


def attempt(form: Form, call: Callable[[], object]) -> HTTPStatus | None:
    """Call a service with what the form holds.

    None when it went well, else the status of the refusal, which then stands beside the form's fields.
    NotFound and NotAllowed about the page itself are not the form's and are raised on.
    """
    if not form.is_valid():
        return HTTPStatus.BAD_REQUEST
    try:
        call()
    except NotAllowed:
        raise
    except StarsError as error:
        if isinstance(error, NotFound) and not error.fields:
            raise
        show_refusal(form, in_language_of_page(error))
        return HTTPStatus(error.status)
    return None


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent. Raises Invalid."""
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Invalid("A JSON object was expected.") from None
    if not isinstance(value, dict):
        raise Invalid("A JSON object was expected.")
    return value


def _above(request: HttpRequest) -> str:
    """The nearest page above an address that shows nothing itself."""
    path = request.path_info.rstrip("/")
    while path := path[: path.rfind("/")]:
        with suppress(Resolver404):
            if getattr(resolve(f"{path}/").func, "looked_at", False):
                return f"{path}/"
    return reverse("groups:home")


def _sign_in(request: Request) -> HttpResponse:
    if wants_json(request):
        body = {"reason": "signed_out", "message": sentence("Sign in first.")}
        return JsonResponse(body, status=401)
    if request.htmx:
        return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL))
    return redirect_to_login(request.get_full_path())
