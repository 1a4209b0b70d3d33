# The service as a container, for servers that run containers only. compose.yaml starts it with PostgreSQL and Caddy
# (docs/container.md). On a server of its own, deploy/install.sh is better: updates then lose no callback.

FROM python:3.13-slim-trixie AS packages
WORKDIR /opt/utopia-handler
COPY requirements.txt ./
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.13-slim-trixie
# The backup needs pg_dump, of the same version as PostgreSQL in compose.yaml.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 5050 utopia-handler \
    && useradd --system --uid 5050 --gid 5050 --no-create-home --home-dir /opt/utopia-handler utopia-handler
WORKDIR /opt/utopia-handler
COPY --from=packages /opt/utopia-handler/.venv .venv
COPY . .
# The program belongs to root. The service can write into three folders only.
RUN install -d -o utopia-handler -g utopia-handler -m 750 instance /var/backups/utopia \
    && chown -R utopia-handler:utopia-handler ticket_descriptions \
    && ln -s /opt/utopia-handler/deploy/utopia-handler /usr/local/bin/utopia-handler
ENV PYTHONDONTWRITEBYTECODE=1 FLASK_HOST=0.0.0.0 LOG_FILE=instance/api_class.log
USER 5050:5050
EXPOSE 5050
VOLUME ["/opt/utopia-handler/instance", "/opt/utopia-handler/ticket_descriptions", "/var/backups/utopia"]
# Checks that the process lives. Whether it can work is another question, which /readyz answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5050/healthz', timeout=4)"]
# At a stop, running steps end first. Allow 3 minutes for that (compose.yaml: stop_grace_period).
STOPSIGNAL SIGTERM
CMD [".venv/bin/gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
