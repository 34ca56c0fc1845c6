#!/usr/bin/env bash
# Make this checkout ready to run: the system libraries that Qt needs, the virtual environment .venv, the locked packages with
# their checksums verified, and the program itself. The first run takes about half a minute, later ones well under a second.
#
#   packaging/set_up.sh
#
#   DAXA_GUI_NO_APT=1    never install system packages; say which are missing instead
#   DAXA_GUI_NO_UV=1     install with pip alone
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
venv=$root/.venv
python=$venv/bin/python
stamp=$venv/.set-up-done

say() { printf '%s\n' "$*" >&2; }
give_up() { say "set-up: $1"; shift; for line in "$@"; do say "        $line"; done; exit 1; }

# two set-ups of one checkout at the same time would spoil each other's packages
if command -v flock >/dev/null; then
  exec 9<packaging/set_up.sh
  flock 9
fi

# ---------------------------------------------------------------------------------------------------- system packages

# How apt-get can be called here without asking anybody: empty, "sudo -n", or "no".
apt_prefix() {
  if [ -n "${DAXA_GUI_NO_APT:-}" ] || ! command -v apt-get >/dev/null; then echo no
  elif [ "$(id -u)" = 0 ]; then echo
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then echo "sudo -n"
  else echo no; fi
}

install_system_packages() { # packages…; succeeds only when they are installed
  local prefix log
  prefix=$(apt_prefix)
  [ "$prefix" != no ] || return 1
  log=$(mktemp)
  say "set-up: installing system packages: $*"
  # a stale or unreachable package source need not matter for these packages, so only the installation decides
  # shellcheck disable=SC2086
  $prefix apt-get update -q >>"$log" 2>&1 9<&- || say "set-up: apt-get update reported a problem; going on"
  # shellcheck disable=SC2086
  if $prefix env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1 9<&-; then
    rm -f "$log"
    return 0
  fi
  tail -n 15 "$log" >&2
  rm -f "$log"
  return 1
}

command_for() { echo "sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"; }

# ------------------------------------------------------------------------------------------------------------- Python

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
can_make_venvs() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

find_python() { # prints the first usable interpreter
  local candidate
  for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

ensure_python() { # sets $base_python
  if ! base_python=$(find_python); then
    install_system_packages python3 python3-venv && base_python=$(find_python) ||
      give_up "Python 3.11 or newer is needed and was not found (python3 is $(python3 --version 2>/dev/null || echo missing))." \
        "On Debian 12 and newer, Ubuntu 24.04 and newer:  $(command_for python3 python3-venv)" \
        "An interpreter with another name can be given:  PYTHON=/path/to/python3.12 make …"
  fi
  if ! can_make_venvs "$base_python"; then
    local package
    package=python$("$base_python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv
    install_system_packages "$package" && can_make_venvs "$base_python" ||
      give_up "$base_python cannot make virtual environments: its venv or ensurepip module is missing." \
        "$(command_for "$package")"
  fi
}

# ----------------------------------------------------------------------------------------------------- Qt's libraries

has_display() { [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; }

missing_qt_packages() { "$python" packaging/qt_libraries.py "$1"; }

# Ends with an error only for what cannot be done without: a machine with no display needs no libraries for one.
ensure_qt_libraries() { # offscreen|display: what to look for
  local missing
  missing=$(missing_qt_packages "$1")
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086
  if install_system_packages $missing; then missing=$(missing_qt_packages "$1"); fi
  [ -n "$missing" ] || return 0
  if has_display || [ -n "$(missing_qt_packages offscreen)" ]; then
    give_up "system libraries that Qt needs are missing and could not be installed from here." \
      "Install them, then try again:" "$(command_for "$missing")"
  fi
  say "set-up: a window on a screen would need these too: $(command_for "$missing")"
}

# --------------------------------------------------------------------------------------------------- virtual environment

# What the environment depends on. Where it lies counts because scripts inside hold its absolute path.
fingerprint() {
  echo "$root"
  "$python" --version 2>&1
  cksum requirements.lock pyproject.toml packaging/uv-requirements.txt packaging/set_up.sh
}

is_ready() { [ -x "$python" ] && [ -x "$venv/bin/daxa-gui" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; }

ensure_environment() {
  if [ -x "$python" ] && is_new_enough "$python" && "$python" -m pip --version >/dev/null 2>&1 &&
    [ "$("$python" -c 'import sys; print(sys.prefix)')" = "$venv" ] && { [ ! -f "$stamp" ] || [ "$(head -n 1 "$stamp")" = "$root" ]; }; then
    rm -f "$stamp"
    return 0
  fi
  ensure_python
  say "set-up: making .venv with $("$base_python" --version 2>&1)"
  "$base_python" -m venv --clear "$venv"
}

get_uv() {
  [ -z "${DAXA_GUI_NO_UV:-}" ] || return 1
  # the interpreter is the one of the environment: uv must not look for another one or fetch it
  export UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
  "$python" -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r packaging/uv-requirements.txt
}

install_packages() {
  say "set-up: installing the locked packages (about 1.1 GB in .venv)"
  if get_uv && "$venv/bin/uv" pip sync -q --python "$python" --require-hashes --only-binary :all: requirements.lock; then return 0; fi
  [ -n "${DAXA_GUI_NO_UV:-}" ] || say "set-up: uv could not do it; pip takes over (about a minute)"
  # the lock is complete, and leaves out on purpose what a test-only package names and nothing needs: no dependencies beside it
  "$python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock ||
    give_up "the locked packages could not be installed; the lines above say why." \
      "A package index must be reachable (pip's and uv's own settings for mirrors, proxies and certificates are honoured)."
}

install_project() { # in place: the command daxa-gui runs the code of this checkout
  local log
  log=$(mktemp)
  if ! "$python" -m pip install -q --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable . >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    give_up "the program itself could not be installed into .venv; the lines above say why."
  fi
  rm -f "$log"
}

check_qt() { # a library that nobody thought of is best found here, with its name
  QT_QPA_PLATFORM=offscreen "$python" -c 'from PySide6.QtWidgets import QApplication; QApplication([])' >/dev/null ||
    give_up "Qt is installed but does not start; the line above names the library or file that it lacks."
}

compile_start_path() { # so that the first start is as quick as the later ones
  local site
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  env -u PYTHONDONTWRITEBYTECODE "$python" -m compileall -q -j 0 daxa_gui "$site/numpy" "$site/pyqtgraph" \
    "$site/shiboken6" "$site/platformdirs" >/dev/null || say "set-up: not everything could be compiled; the first start takes longer"
}

if is_ready; then
  ensure_qt_libraries "$(has_display && echo display || echo offscreen)"
else
  ensure_environment
  ensure_qt_libraries display
  install_packages
  install_project
  compile_start_path
  check_qt
  fingerprint >"$stamp.part"
  mv "$stamp.part" "$stamp"
  say "set-up: done"
fi
