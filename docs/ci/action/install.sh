#!/usr/bin/env bash
# Installs a release of regsnap, if its archive has the checksum that the release
# says, and puts it on the PATH of the steps that follow.
#
#   VERSION   the release, such as v1.2.3
#   CHECKSUM  the SHA-256 of the release's SHA256SUMS (default: it is not checked)
#   RELEASES  where releases are
set -euo pipefail

[[ ${VERSION:?} =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || {
  echo "version $VERSION: want a release such as v1.2.3" >&2
  exit 2
}
case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*)
  echo "this action runs on Linux and macOS, not on $(uname -s)" >&2
  exit 2
  ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*)
  echo "there is no release for the processor $(uname -m)" >&2
  exit 2
  ;;
esac
name=regsnap_${VERSION#v}_${os}_$arch
dir=$RUNNER_TEMP/regsnap-$VERSION
mkdir -p "$dir"
cd "$dir"

check() {
  if command -v sha256sum >/dev/null; then
    sha256sum --check --quiet -
  else
    shasum --algorithm 256 --check --quiet -
  fi
}
download() {
  curl --fail --silent --show-error --location --retry 5 --max-time 300 --output "$1" "$RELEASES/$VERSION/$1"
}
download SHA256SUMS
if [[ -n ${CHECKSUM:-} ]]; then
  echo "$CHECKSUM  SHA256SUMS" | check
fi
download "$name.tar.gz"
if ! line=$(grep -F "  $name.tar.gz" SHA256SUMS); then
  echo "SHA256SUMS of $VERSION does not list $name.tar.gz" >&2
  exit 1
fi
echo "$line" | check
tar -xzf "$name.tar.gz"
echo "$dir/$name" >>"$GITHUB_PATH"
"$dir/$name/regsnap" version
