# One image for every process: the API (default), the worker (dist/worker/main.js), the migrations (dist/migrations/main.js) and
# the provider simulator (dist/dev/simulator/main.js).
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No package needs its install script to run.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Their owner is copied to a volume that is mounted here for the first time.
RUN mkdir -p /var/lib/holdfast/archive /var/lib/holdfast/simulator && chown -R node:node /var/lib/holdfast
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
ENV HOST=0.0.0.0 ARCHIVE_DIR=/var/lib/holdfast/archive SIMULATOR_DIR=/var/lib/holdfast/simulator
EXPOSE 3000 9464 9465
# Node itself is the process, so a signal needs no relay: npm or a shell would keep it.
# The option keeps the heaps small: by V8's default each may grow by 48 MB of garbage before any is collected.
ENTRYPOINT ["node", "--max-semi-space-size=4"]
CMD ["dist/api/main.js"]
