#!/usr/bin/env bash
# Programs of Debian that some tests run for real. What is missing is installed where that can be done without asking anybody;
# tests whose program is not there say so and are skipped.
#
#   DAXA_GUI_NO_APT=1    never install anything
set -euo pipefail

declare -A package=([nginx]=nginx-light [fitsverify]=fitsverify [gpg]=gnupg [slurmctld]=slurm-wlm [munged]=munge)
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("${package[$program]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

# where services are started by themselves, a web server is not installed without a word
if [ -n "${DAXA_GUI_NO_APT:-}" ] || [ -d /run/systemd/system ] || ! command -v apt-get >/dev/null; then prefix=no
elif [ "$(id -u)" = 0 ]; then prefix=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then prefix="sudo -n"
else prefix=no; fi

if [ "$prefix" != no ]; then
  echo "test tools: installing ${missing[*]}" >&2
  # shellcheck disable=SC2086
  if { $prefix apt-get update -q || true; } >/dev/null 2>&1 &&
    $prefix env DEBIAN_FRONTEND=noninteractive timeout 240 apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
    exit 0
  fi
fi
echo "test tools: ${missing[*]} could not be installed; the tests that need them are skipped" >&2
