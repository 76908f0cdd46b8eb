#!/usr/bin/env bash
# Makes sure that what is named is on this machine: python, node, chromium, redis-server, postgresql.
#
# What the system's packages have and this user may install is installed; else one line says what to do.
set -euo pipefail

PYTHON=${PYTHON:-python3}

fail() {
  printf 'tilescope: %s\n' "$1" >&2
  exit 1
}

# installed COMMAND...: whether one of these is a command here; a pattern with a slash is a path.
installed() {
  local candidate
  for candidate in "$@"; do
    if [[ $candidate == */* ]]; then
      compgen -G "$candidate" >/dev/null && return 0
    elif command -v "$candidate" >/dev/null; then
      return 0
    fi
  done
  return 1
}

# install PACKAGE: from the system's packages, where that needs no password.
install() {
  local as_root=()
  command -v apt-get >/dev/null || return 1
  if [[ $EUID -ne 0 ]]; then
    sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  printf 'tilescope: installing %s from the system packages\n' "$1" >&2
  "${as_root[@]}" apt-get update -qq >&2 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1
}

# package NAME WHY COMMAND...: one of the commands is here, or the package is installed now.
package() {
  local name=$1 why=$2
  shift 2
  installed "$@" && return 0
  install "$name" && installed "$@" && return 0
  fail "$why need $name and this user may not install it here; run: sudo apt-get install $name"
}

need_python() {
  command -v "$PYTHON" >/dev/null || fail "no $PYTHON here; install Python 3.11 or newer, or run make with PYTHON=/path/to/python3"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$PYTHON is $("$PYTHON" -V 2>&1); Python 3.11 or newer is needed, or run make with PYTHON=/path/to/python3.11"
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return 0
  install python3-venv && "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return 0
  fail "$PYTHON has no venv module; run: sudo apt-get install python3-venv"
}

need_node() {
  command -v node >/dev/null || fail "no node here; install Node.js 20.19 or newer"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "node is $(node --version); Node.js 20.19 or newer is needed"
  command -v npm >/dev/null || fail "node is here but npm is not; install npm"
}

for name in "$@"; do
  case $name in
    python) need_python ;;
    node) need_node ;;
    chromium) package chromium "the browser tests" chromium chromium-browser google-chrome ;;
    redis-server) package redis-server "the deployment tests" redis-server ;;
    postgresql) package postgresql "the deployment tests" initdb '/usr/lib/postgresql/*/bin/initdb' ;;
    *) fail "scripts/need.sh knows nothing of $name" ;;
  esac
done
