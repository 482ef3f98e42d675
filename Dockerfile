# Serves the model in /model, with the live events in the volume /events; see docs/serving.md.
FROM python:3.12-slim

COPY pyproject.toml README.md LICENSE /src/
COPY src /src/src
RUN pip install --no-cache-dir '/src[service,postgresql]' && rm -r /src \
    && useradd --create-home ysmean \
    && mkdir /events && chown ysmean /events

USER ysmean
ENV YSMEAN_EVENTS_DB=/events/events.db
VOLUME /events
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["ysmean", "serve", "/model", "--host", "0.0.0.0"]
