#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, where they are missing: random passwords, and API keys that the
# paper exchange is started with. For real money put Kraken's own keys into kraken-key-N and kraken-secret-N, a pair
# for each worker: nonces are counted by key.
# Usage: deploy/secrets.sh [directory]
set -eu

directory=${1:-$(dirname "$0")/secrets}
mkdir -p "$directory"
# Containers that are not root have to read the files, whatever their user's number; nobody else gets past the directory.
chmod 700 "$directory"

random() {
  od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

keep() {
  file=$directory/$1
  [ -s "$file" ] || printf '%s\n' "$2" >"$file"
  chmod 644 "$file"
}

keep postgres-password "$(random 24)"
keep database-url "postgresql://holdfast:$(cat "$directory/postgres-password")@postgres:5432/holdfast"
keep dashboard-token "$(random 24)"
keep grafana-password "$(random 12)"
for worker in 1 2 3; do
  keep "kraken-key-$worker" "$(random 28)"
  keep "kraken-secret-$worker" "$(head -c 64 /dev/urandom | base64 | tr -d '\n')"
done
echo "secrets are in $directory; the dashboard's token for actions is in dashboard-token"
