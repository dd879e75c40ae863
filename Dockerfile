# The mock server as a container: docker build -t mockserver . && docker run -p 8080:8080 -v "$PWD/scenarios:/scenarios:ro" mockserver
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY mockserver ./mockserver
COPY docs/*.md ./docs/
COPY scripts/strip_symbols.py ./scripts/
# The base's pip installs into an environment without one, so no pip is shipped. Sources of compiled modules go. The extras are those that a
# scenario or a scraper may ask for: whoever mounts a folder can't install them. The compiler of .proto files is too large.
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-compile ".[fake,fast,graphql,jsonpath,jwt,metrics,openapi,otel,protobuf,redis,schema,tls,websocket,xml]" \
 && find /venv/lib -type f \( -name '*.pyx' -o -name '*.px[di]' -o -name '*.pyi' -o -name '*.[ch]' \) -delete \
 && python scripts/strip_symbols.py /venv/lib
# Bytecode of the package, and of just what a start imports beside it, the standard library's too: the slim images ship
# none, and a user who may not write would compile it anew at every start, every health check and every first admin call.
# The second is what --tls imports beside it. What --store imports is compiled at its start: it would be 1.7 MB.
RUN /venv/bin/python -I -X pycache_prefix=/venv/bytecode -c 'import mockserver.cli, mockserver.server.running, mockserver.persistence.keeper, mockserver.admin.tables, urllib.request, uvloop' \
 && /venv/bin/python -I -X pycache_prefix=/venv/bytecode -c 'import mockserver.http.tls.certificates, mockserver.http.tls.client_certs' \
 && /venv/bin/python -I -X pycache_prefix=/venv/bytecode -m compileall -q /venv/lib/python*/site-packages/mockserver

FROM python:${PYTHON_VERSION}-slim
ARG VERSION=unreleased
LABEL org.opencontainers.image.title="mockserver" \
      org.opencontainers.image.description="A programmable mock server for external services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /venv /venv
# For a volume with MOCKSERVER_STATE_FILE=/state/mock.json: a new one gets these rights, so whatever --user may write.
RUN install -d -m 1777 /state
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/venv/bytecode \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_PATHS=/scenarios
# Where a volume for --tls-dir may be mounted: a new one takes on these rights, so that any user can keep a CA there.
RUN mkdir -m 1777 /tls
# By number, so that Kubernetes can see that it is not root. Any other --user does too.
USER 10001:10001
EXPOSE 8080
VOLUME /scenarios
# No --start-period: it makes newer engines wait 5 s for the first probe, and --start-interval, which mends that,
# is refused by older ones. So the first probe comes after one interval everywhere. It asks where the environment
# says that the mock listens: choose another port by MOCKSERVER_PORT, not --port.
HEALTHCHECK --interval=2s --timeout=3s --retries=5 CMD ["mockserver", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["mockserver"]
CMD ["serve"]
