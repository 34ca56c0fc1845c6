#!/bin/bash
# A real TAP service for tests: GAVO DaCHS with a PostgreSQL of its own, both in one folder, nothing of it elsewhere.
#
#   dachs.sh install            Debian's packages; does nothing if they are there; needs root
#   dachs.sh start FOLDER [PORT]    load FOLDER/inputs/*/q.rd, serve on 127.0.0.1, write FOLDER/address; a free port if none is given
#   dachs.sh status FOLDER      the address, if it answers
#   dachs.sh stop FOLDER        ends both servers by their process ids
#
# Root starts both as the user « dachsroot » of the package (neither server runs as root), everybody else as themselves.
set -euo pipefail

exec 3>&2 # what is said comes through wherever a failing command sends its errors
say() { echo "dachs.sh: $*" >&3; }
die() { say "$*"; exit 1; }

# Where Debian keeps the newest PostgreSQL that has the extension pgSphere, which DaCHS needs.
postgres_bin() {
  local control version=
  for control in /usr/share/postgresql/*/extension/pg_sphere.control; do
    [ -e "$control" ] && version=$(echo "$control" | cut -d/ -f5)
  done
  [ -n "$version" ] && [ -x "/usr/lib/postgresql/$version/bin/initdb" ] && echo "/usr/lib/postgresql/$version/bin"
}

installed() { command -v dachs >/dev/null && postgres_bin >/dev/null; }

install_packages() {
  if installed; then return; fi
  [ "$(id -u)" = 0 ] || die "DaCHS is not installed here. Run « sudo $0 install », then try again."
  local version
  apt-get update
  version=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]\+\)$/\1/p' | head -1)
  # The package's last step wants a running PostgreSQL, which some machines do not start by themselves. Nothing here uses
  # that one, so the step may fail.
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gavodachs2-server \
    "postgresql-$version-pgsphere" "postgresql-$version-q3c" || say "the package's own set-up did not end well; going on"
  installed || die "the packages could not be installed"
}

# Runs a command in FOLDER as the user of the servers, with a clean environment.
as_server() {
  local clean=(env -i "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "HOME=$folder" LC_ALL=C.UTF-8 "GAVOSETTINGS=$folder/gavo.rc" GAVOCUSTOM=/dev/null)
  if [ "$(id -u)" = 0 ]; then
    (cd "$folder" && setpriv --reuid=dachsroot --regid=gavo --clear-groups "${clean[@]}" "$@") 3>&-
  else
    (cd "$folder" && "${clean[@]}" "$@") 3>&-
  fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

answers() {
  python3 - "$1" <<'PY' 2>/dev/null
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.exit(b"available>true<" not in opener.open(sys.argv[1] + "/availability", timeout=10).read())
PY
}

start() {
  installed || die "DaCHS is not installed here: $0 install"
  compgen -G "$folder/inputs/*/q.rd" >/dev/null || die "there are no tables to load: $folder/inputs/*/q.rd"
  [ ! -e "$folder/database" ] || die "$folder was used before; take a new one"
  # 107 bytes is the longest path of a socket that Linux takes
  [ "${#folder}" -le 80 ] || die "the path of the folder is too long for a database's socket: $folder"
  local port=${1:-$(free_port)} bin
  bin=$(postgres_bin)
  trap 'say "the start failed; the end of the logs:"; tail -n 20 "$folder"/*.log >&3; stop' EXIT
  prepare "$port"
  as_server "$bin/initdb" -D "$folder/database" --auth=trust --encoding=UTF-8 --username=dachsroot >"$folder/initdb.log"
  as_server "$bin/pg_ctl" -D "$folder/database" -w -s -l "$folder/database.log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder/socket' -c fsync=off" start
  # an order of texts as people expect it (a A b B), not that of bytes: archives use both
  as_server "$bin/createdb" -h "$folder/socket" -U dachsroot --template=template0 --locale-provider=icu --icu-locale=en-US gavo
  as_server dachs init -d "host=$folder/socket dbname=gavo user=dachsroot" >"$folder/init.log" 2>&1
  as_server cp -r "$folder/inputs/." "$folder/gavo/inputs/"
  local rd
  for rd in "$folder"/inputs/*/q.rd; do
    as_server dachs imp "$folder/gavo/inputs/$(basename "$(dirname "$rd")")/q.rd" >>"$folder/import.log" 2>&1
  done
  as_server dachs imp //tap >>"$folder/import.log" 2>&1
  serve "$port"
  trap - EXIT
}

prepare() {
  local user=dachsroot group=gavo
  if [ "$(id -u)" != 0 ]; then user=$(id -un) group=$(id -gn); fi
  mkdir -p "$folder/socket"
  cat >"$folder/gavo.rc" <<RC
[general]
rootDir: $folder/gavo
user: $user
group: $group
[web]
bindAddress: 127.0.0.1
serverPort: $1
serverURL: http://127.0.0.1:$1
[async]
defaultMAXREC: 100000
hardMAXREC: 100000
RC
  if [ "$(id -u)" = 0 ]; then chown -R dachsroot:gavo "$folder"; fi
}

serve() {
  as_server setsid sh -c 'echo $$ >server.pid; exec dachs serve debug' >"$folder/server.log" 2>&1 </dev/null 3>&- &
  local i
  for ((i = 0; i < 60; i++)); do
    if answers "http://127.0.0.1:$1/tap"; then
      echo "http://127.0.0.1:$1/tap" >"$folder/address"
      cat "$folder/address"
      return
    fi
    sleep 1
  done
  die "the server did not answer within a minute"
}

# Ends the process with the id in a file and waits until it has gone.
end_process() {
  local pid i
  [ -s "$1" ] || return 0
  pid=$(head -1 "$1")
  kill "-$2" "$pid" 2>/dev/null || return 0
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}

stop() {
  end_process "$folder/server.pid" TERM
  end_process "$folder/database/postmaster.pid" INT # « fast »: open connections are closed
  rm -f "$folder/address" "$folder/server.pid"
}

case "${1:-}" in
  install) install_packages ;;
  start | stop | status)
    [ -d "${2:-}" ] || die "there is no folder « ${2:-} »"
    folder=$(cd "$2" && pwd)
    case "$1" in
      start) start "${3:-}" ;;
      stop) stop ;;
      status) [ -e "$folder/address" ] && answers "$(cat "$folder/address")" && cat "$folder/address" ;;
    esac ;;
  *) die "install | start FOLDER [PORT] | status FOLDER | stop FOLDER" ;;
esac
