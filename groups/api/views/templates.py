"""Templates of runs: what a group is given again and again."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import access, selectors
from groups.api.base import ApiView
from groups.api.schema import problems
from groups.api.serializers.templates import TemplateNewSerializer, TemplateSerializer
from groups.models import Level, RunTemplate
from groups.services import templates


class TemplatesView(ApiView):
    @extend_schema(
        operation_id="list_templates", tags=["templates"], responses=TemplateSerializer(many=True)
    )
    def get(self, request: Request, group_id: str) -> Response:
        """The group's templates, in the order they were kept. Operators and owners, who can start runs with them."""
        group = access.get_group(self.actor, group_id, Level.OPERATOR)
        return self.page(TemplateSerializer, selectors.templates_of(group))

    @extend_schema(
        operation_id="create_template",
        tags=["templates"],
        request=TemplateNewSerializer,
        responses={201: TemplateSerializer, **problems(409, 413)},
    )
    def post(self, request: Request, group_id: str) -> Response:
        """Keep a task and its options under a name. Operators and owners."""
        group = access.get_group(self.actor, group_id, Level.OPERATOR)
        template = templates.create(
            actor=self.actor, group=group, **self.given(TemplateNewSerializer)
        )
        where = reverse("api:template", [group.id, template.pk], request=request)
        return self.shown(TemplateSerializer, template, status=201, headers={"Location": where})


class TemplateView(ApiView):
    def _found(self, group_id: str, template_id: str) -> RunTemplate:
        group = access.get_group(self.actor, group_id, Level.OPERATOR)
        return access.get_template(group, template_id)

    @extend_schema(operation_id="get_template", tags=["templates"], responses=TemplateSerializer)
    def get(self, request: Request, group_id: str, template_id: str) -> Response:
        """One template. Operators and owners."""
        return self.shown(TemplateSerializer, self._found(group_id, template_id))

    @extend_schema(
        operation_id="change_template",
        tags=["templates"],
        request=TemplateNewSerializer(partial=True),
        responses={200: TemplateSerializer, **problems(409, 413)},
    )
    def patch(self, request: Request, group_id: str, template_id: str) -> Response:
        """Change what is sent. Operators and owners."""
        template = self._found(group_id, template_id)
        changes = self.given(TemplateNewSerializer, partial=True)
        return self.shown(
            TemplateSerializer, templates.change(actor=self.actor, template=template, **changes)
        )

    @extend_schema(
        operation_id="remove_template", tags=["templates"], request=None, responses={204: None}
    )
    def delete(self, request: Request, group_id: str, template_id: str) -> Response:
        """Forget it; runs that were started with it stay. Operators and owners."""
        templates.remove(actor=self.actor, template=self._found(group_id, template_id))
        return Response(status=status.HTTP_204_NO_CONTENT)
