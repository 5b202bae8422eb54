#!/bin/sh
# Makes the namespace and the search attributes of trades, where they are missing. TEMPORAL_ADDRESS and
# TEMPORAL_NAMESPACE say where; RETENTION is how long ended trades stay in the Web UI.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"

# The server's parts learn of a new namespace one after the other, within seconds.
tries=60
until temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
  --name HoldfastSymbol --type Keyword --name HoldfastSide --type Keyword --name HoldfastStage --type Keyword \
  --name HoldfastPositionId --type Keyword --name HoldfastExitRule --type Keyword --name HoldfastReturn --type Double &&
  temporal workflow count --namespace "$TEMPORAL_NAMESPACE" --query 'HoldfastStage = "open" OR HoldfastReturn > 0' >/dev/null; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 1
  sleep 1
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
