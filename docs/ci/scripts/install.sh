#!/bin/sh
# Installs a release of regsnap, if its archive has the checksum that the release
# says. On GitHub the steps that follow find it on their PATH.
#
#   REGSNAP_VERSION   the release, such as v1.2.3
#   REGSNAP_CHECKSUM  the SHA-256 of the release's SHA256SUMS (default: it is not checked)
#   BIN               the folder for the program (default: one below RUNNER_TEMP)
#   RELEASES          where releases are (default: those of regsnap on GitHub)
set -eu

version=${REGSNAP_VERSION:?}
echo "$version" | grep -Eqx 'v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?' || {
  echo "version $version: want a release such as v1.2.3" >&2
  exit 2
}
case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*)
  echo "this script runs on Linux and macOS, not on $(uname -s)" >&2
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
name=regsnap_${version#v}_${os}_$arch
bin=${BIN:-${RUNNER_TEMP:?or BIN}/regsnap-$version}
mkdir -p "$bin"
bin=$(cd "$bin" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

check() {
  if command -v sha256sum >/dev/null; then
    sha256sum -c -
  else
    shasum -a 256 -c -
  fi >/dev/null
}
download() {
  curl --fail --silent --show-error --location --retry 5 --max-time 300 --output "$1" \
    "${RELEASES:-https://github.com/regsnap/regsnap/releases/download}/$version/$1"
}
download SHA256SUMS
if [ -n "${REGSNAP_CHECKSUM:-}" ]; then
  echo "$REGSNAP_CHECKSUM  SHA256SUMS" | check
fi
if ! line=$(grep -F "  $name.tar.gz" SHA256SUMS); then
  echo "SHA256SUMS of $version does not list $name.tar.gz" >&2
  exit 1
fi
download "$name.tar.gz"
echo "$line" | check
tar -xzf "$name.tar.gz"
mv -f "$name/regsnap" "$bin/regsnap"
if [ -n "${GITHUB_PATH:-}" ]; then
  echo "$bin" >>"$GITHUB_PATH"
fi
"$bin/regsnap" version
