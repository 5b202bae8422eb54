#!/bin/sh
# Creates Temporal's two databases on PostgreSQL, or brings their schemas up to the version of this image.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres-password)
export SQL_PASSWORD

# Usage: bring DATABASE FOLDER
bring() {
  tool="temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user holdfast --db $1"
  # Refused where it exists already, which is no reason to stop.
  $tool create || true
  $tool setup-schema --version 0.0 || true
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

bring temporal temporal
bring temporal_visibility visibility
