#!/bin/sh
# Packs this project, with its node_modules, for an instance that is to bake it: nothing is installed from npm there.
# usage: pack.sh ARCHIVE [FOLDER]; the files of FOLDER, such as secrets to bake in, are in inputs/ there
set -eu
project=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
archive=$1 inputs=${2-}
[ -d "$project/node_modules" ] || {
  echo "Cannot pack the project: it has no node_modules; run npm ci" >&2
  exit 1
}
mkdir -p "$(dirname -- "$archive")"
set -- package.json bootstrapper images metadata-server templates node_modules
if [ -n "$inputs" ]; then
  set -- "$@" --transform='s,^\./,inputs/,' --directory="$(CDPATH='' cd -- "$inputs" && pwd)" .
fi
# For the owner alone: there may be secrets among the inputs.
umask 077
tar --create --gzip --file="$archive" --directory="$project" "$@"
