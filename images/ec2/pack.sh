#!/bin/sh
# Packs this project with its node_modules for an instance that bakes it, which then installs nothing from npm.
# usage: pack.sh ARCHIVE [FOLDER]; the archive has the files of FOLDER, such as secrets to bake in, in inputs/
set -eu
project=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
archive=$1 inputs=${2-}
[ -d "$project/node_modules" ] || {
  echo "Cannot pack project: it lacks node_modules; run npm ci" >&2
  exit 1
}
mkdir -p "$(dirname -- "$archive")"
set -- package.json start.mjs api bootstrapper cli images lib metadata-server templates node_modules
if [ -n "$inputs" ]; then
  set -- "$@" --transform='s,^\./,inputs/,' --directory="$(CDPATH='' cd -- "$inputs" && pwd)" .
fi
# Readable by the owner only: the inputs may be secrets.
umask 077
tar --create --gzip --file="$archive" --exclude=node_modules/.cache --directory="$project" "$@"
