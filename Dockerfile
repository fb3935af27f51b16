# One image for every role; compose.yaml says which one a container plays.
FROM python:3.12-slim AS build
COPY requirements.txt /tmp/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=stars_site.settings STARS_DATA_DIR=/data STARS_HOST=0.0.0.0
RUN useradd --system --uid 10001 --home-dir /app stars && install -d -o stars /data
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=root:root manage.py pyproject.toml ./
COPY --chown=root:root stars_site stars_site
COPY --chown=root:root groups groups
COPY --chown=root:root state state
COPY --chown=root:root templates templates
COPY --chown=root:root static static
COPY --chown=root:root locale locale
# The key is only for this step; each installation has its own in /data or in STARS_SECRET_KEY.
RUN STARS_SECRET_KEY=build STARS_DATA_DIR=/tmp/build python manage.py collectstatic --noinput -v 0 \
    && rm -rf /tmp/build
USER stars
VOLUME /data
EXPOSE 8000
# Running agents get 5 seconds, their results a few more.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "up"]
