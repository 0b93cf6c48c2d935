#!/usr/bin/env bash
# cdk.sh FOLDER: the CDK CLI, unpacked into FOLDER by this machine's npm and installed nowhere. It depends on no
# other package, so the one hash is all there is to pin.
set -euo pipefail
folder=$1
version=2.1148.1
sha512=2b7774d8bd7b230980ba205636e5f50f3621294b3d1ab29823b6d99c625f2756cacfdca65c5c5fb9d04e2f7ad46fc240bac0cd4942e2414d9fb091fb9326365c
command -v node >/dev/null && command -v npm >/dev/null || {
	echo "the CDK CLI needs Node.js 18 or newer and npm, which are not on the PATH: apt-get install nodejs npm" >&2
	exit 1
}
packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT
npm pack --silent --ignore-scripts --pack-destination "$packed" "aws-cdk@$version" >/dev/null
echo "$sha512  $packed/aws-cdk-$version.tgz" | sha512sum --check --quiet
mkdir -p "$folder"
tar -xzf "$packed/aws-cdk-$version.tgz" -C "$folder" --strip-components 1
