#!/bin/sh
# What every container of the image starts with: it brings a PostGIS store up to date, then becomes the command it is given.
#
# REGISTRY_MIGRATE=0 leaves the store as it is, for logins that may only read or that may not change the schema.
# A GeoPackage file is left as it is in any case: `registry init` makes one.
set -eu

# Help needs no store.
[ "$#" -gt 0 ] || exec registry --help

migrate=${REGISTRY_MIGRATE:-1}
case $migrate in
0 | 1) ;;
*)
    echo "registry-entrypoint: REGISTRY_MIGRATE=$migrate: 1 brings the store up to date first, 0 does not. Set one of them, or unset it." >&2
    exit 2
    ;;
esac

# Whoever says `registry init` may name the CRS of a new store. One that is made here would keep the default for good.
[ "$1 ${2-}" != "registry init" ] || migrate=0

case ${REGISTRY_STORE-} in
postgres*://*)
    # The command's input is not this step's, and the command's output is not to be mixed with what this step says.
    [ "$migrate" = 0 ] || registry init </dev/null >&2 || exit
    ;;
esac

exec "$@"
