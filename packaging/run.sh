#!/usr/bin/env bash
# Start the program on the practice sky. Without a display: the same journey in an offscreen window, told in practice-tour/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
  exec .venv/bin/daxa-gui --practice "$@"
fi
echo "No display (neither DISPLAY nor WAYLAND_DISPLAY is set): making the practice journey in an offscreen window."
echo "A screenshot of every workspace and a short report will be in practice-tour/."
QT_QPA_PLATFORM=offscreen exec .venv/bin/daxa-gui --practice --tour practice-tour "$@"
