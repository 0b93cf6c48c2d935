#!/usr/bin/env bash
# mariadb.sh FOLDER: Debian's MariaDB, unpacked into FOLDER and installed nowhere, for the tests of what logs in to it.
set -euo pipefail
folder=$1
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
[ "$(id -u)" != 0 ] || apt-get update -qq
(cd "$packages" && apt-get download -qq mariadb-server-core mariadb-client-core libaio1 liburing2 libnuma1 libsnappy1v5 libpcre2-posix3)
mkdir -p "$folder"
for package in "$packages"/*.deb; do dpkg -x "$package" "$folder"; done
