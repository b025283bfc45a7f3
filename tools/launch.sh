#!/bin/sh
# Runs the built CLI on the pinned Node, even when the Node on PATH is older.
# `make build` links this file as node_modules/.bin/flotilla, so `npx flotilla` finds it too.
set -eu

self=$0
while [ -h "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=$(dirname "$self")/$target ;;
  esac
done
root=$(cd "$(dirname "$self")/.." && pwd -P)

node=$root/node_modules/.bin/node
if [ ! -x "$node" ]; then
  node=node
  if [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 24' || true)" != true ]; then
    echo "flotilla: Node 24 or later is needed on PATH" >&2
    exit 1
  fi
fi
# Requests die young: with room for them in the young generation the collector of a broker has little to do.
exec "$node" --max-semi-space-size=32 "$root/dist/cmd/flotilla/main.js" "$@"
