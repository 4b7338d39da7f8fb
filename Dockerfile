# docker build -t mta-sts-resolver .
# docker run --read-only --cap-drop=ALL --security-opt=no-new-privileges -p 127.0.0.1:8461:8461 -p 127.0.0.1:8462:8462 \
#   -v mta-sts:/var/lib/mta-sts-resolver mta-sts-resolver
#
# Docker pulls by digest; the tag says what the digest was. tools/pin_images renews the digests.
# See docs/container.md, also for the DNS resolver that DANE needs.

FROM denoland/deno:debian-2.9.6@sha256:2014dc167ece617ef7e7ba40631ac2234c59e75ce693e7cc2dc2602b3c87859d AS build
WORKDIR /build
COPY deno.json deno.lock main.ts ./
COPY src src
COPY tools/compile.ts tools/permissions.txt tools/
RUN deno task compile && mkdir state

# It has glibc and the certification authorities, and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot@sha256:9dac0a79194e45a7da0158a9c6da57b217585af0786db3845d1f0ec1a0dd182f
COPY --from=build /build/dist/mta-sts-resolver /usr/bin/mta-sts-resolver
COPY packaging/container.yml /etc/mta-sts-resolver.yml
COPY --from=build --chown=nonroot:nonroot --chmod=700 /build/state /var/lib/mta-sts-resolver
ENV STATE_DIRECTORY=/var/lib/mta-sts-resolver
VOLUME /var/lib/mta-sts-resolver
EXPOSE 8461 8462
HEALTHCHECK --start-period=5s CMD ["/usr/bin/mta-sts-resolver", "health"]
ENTRYPOINT ["/usr/bin/mta-sts-resolver"]
CMD ["serve"]
