# The bot without its tests and its stand-in portal; docs/running.md says how it is run, and how
# BASE is pinned to the digest of an image that you have looked at.
ARG PYTHON=3.11
ARG BASE=python:${PYTHON}-slim

FROM ${BASE} AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock .python-version ./
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN uv sync --locked --no-default-groups

FROM ${BASE}
# SQLite lies in data/, where there is no PostgreSQL. That it is a volume whoever runs the image says:
# some platforms build none that declares one.
RUN useradd --system --uid 10001 --home-dir /app switchboard \
    && install --directory --owner=switchboard --mode=700 /app/data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY bot bot
COPY handlers handlers
COPY templates templates
COPY LICENSE .
# As the libraries are: else it is done at every start, and the process stays bigger for it.
RUN python -m compileall -q bot handlers
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PORT=8080
USER switchboard
EXPOSE 8080
# A worker listens to nothing: run it with --no-healthcheck.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=4)"]
CMD ["python", "-m", "bot", "serve"]
