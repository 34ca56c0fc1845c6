#!/usr/bin/env bash
# Renew the two lock files from pyproject.toml: exact versions with checksums for every platform, no addresses.
#
#   packaging/lock.sh                          keep versions that still fit
#   packaging/lock.sh --upgrade                take the newest that fit
#   packaging/lock.sh --upgrade-package numpy  of one package only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
uv=.venv/bin/uv
[ -x "$uv" ] || { echo "lock: .venv/bin/uv is missing; run packaging/set_up.sh where it can be installed" >&2; exit 1; }
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate)
"$uv" pip compile "${options[@]}" --group pyproject.toml:dev "$@" pyproject.toml -o requirements.lock
installer=packaging/uv-requirements.txt
{
  echo "# The installer of set_up.sh, pinned with its checksums; renewed by « make lock »."
  grep -o '^uv==[^ ]*' "$installer" | "$uv" pip compile "${options[@]}" -
} >"$installer.part"
mv "$installer.part" "$installer"
if grep -nE '://|file:' requirements.lock "$installer"; then
  echo "lock: an address slipped into a lock file" >&2
  exit 1
fi
