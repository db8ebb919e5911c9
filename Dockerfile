# Honk as a container image. docker-compose.yml says what it needs to run.
#
#   docker build -t honk --build-arg TOOLCHAINS="golang nodejs npm python3" .
ARG DEBIAN=bookworm

FROM golang:1.26-${DEBIAN} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=development
# The image's context has no .git; VERSION says what was built.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-X main.version=${VERSION}" -o /honk ./cmd/honk

FROM debian:${DEBIAN}-slim
# What the repositories need to be built: Debian packages. The sandbox shows
# them, read-only. The default is none: an image has what its owner knows of.
ARG TOOLCHAINS=""
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        bash bubblewrap ca-certificates git ${TOOLCHAINS} \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 honk \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/honk --shell /usr/sbin/nologin honk \
    && install -d -o honk -g honk -m 0700 /var/lib/honk \
    && install -d /etc/honk
COPY --from=build /honk /usr/local/bin/honk

# The address is the container's own; what is published is docker-compose.yml's
# to say.
ENV HONK_DATA_DIR=/var/lib/honk HONK_LISTEN=0.0.0.0:8080 HONK_SANDBOX=bwrap
USER 10001:10001
WORKDIR /var/lib/honk
VOLUME /var/lib/honk
EXPOSE 8080

# bash speaks TCP, which saves the image a client that a task could find.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]

# Last, so that a new version does not install everything anew.
ARG VERSION=development
LABEL org.opencontainers.image.title="Honk" \
      org.opencontainers.image.description="A background coding agent that a team hosts itself" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

# Run it with --init, which takes note of what git's children leave behind.
ENTRYPOINT ["honk"]
CMD ["serve"]
