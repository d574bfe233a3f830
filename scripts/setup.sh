# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by examples/live.sh and tests/check.sh: installs what is missing and builds. Asks no
# registry for anything when nothing is missing.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# missing_packages KIND...: the packages of these kinds that are not installed, but those that this
# release of Debian does not have and need not (with a ? in the list).
missing_packages() {
  local kind package command
  while read -r kind package command _; do
    [[ " $* " == *" ${kind%\?} "* ]] || continue
    [[ -n ${command:-} && $command != '#'* ]] && command -v "$command" >/dev/null && continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] && continue
    [[ $kind == *\? ]] && is_unknown "$package" && continue
    printf '%s\n' "$package"
  done < <(grep -v '^ *#' "$root/scripts/packages.txt" | grep .)
}

# Lists that know no g++ either have not been fetched.
is_unknown() {
  [[ -z $(apt-cache madison "$1" 2>/dev/null) && -n $(apt-cache madison g++ 2>/dev/null) ]]
}

install_packages() {
  command -v dpkg-query >/dev/null ||
    die "this is not Debian; install the packages of scripts/packages.txt by hand"
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || die "not root and no sudo: install them as root: ${missing[*]}"
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get -qq update || say "the package lists could not be updated; going on"
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "${missing[@]}" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "apt-get could not install them; its last lines are above, all of them in $log"
  }
  rm -f "$log"
}

# install_npm DIR: what DIR/package-lock.json names, unless it is there already.
install_npm() {
  local dir=$1
  cmp -s "$dir/package-lock.json" "$dir/node_modules/.installed-lock" && return
  say "npm packages for ${dir#"$root"/}"
  (cd "$dir" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
    die "npm could not install the packages of $dir"
  cp "$dir/package-lock.json" "$dir/node_modules/.installed-lock"
}

# build DIR [MESON OPTION...] [NINJA TARGET...]: options given later than the first time are applied
# then.
build() {
  local dir=$1 argument options=() targets=()
  shift
  for argument in "$@"; do
    if [[ $argument == -* ]]; then options+=("$argument"); else targets+=("$argument"); fi
  done
  if [[ ! -f $dir/build.ninja ]]; then
    say "configuring ${dir#"$root"/}"
    meson setup "$dir" "$root" "${options[@]}" >"$dir.log" 2>&1 || {
      cat "$dir.log" >&2
      die "meson could not configure; see above"
    }
  elif [[ ${#options[@]} -gt 0 && $(cat "$dir/.configured" 2>/dev/null) != "${options[*]}" ]]; then
    # Options that are newer than the folder are known only to one that is set up again.
    meson setup --reconfigure "$dir" "$root" "${options[@]}" >"$dir.log" 2>&1 || {
      cat "$dir.log" >&2
      die "meson could not configure; see above"
    }
  fi
  [[ ${#options[@]} -eq 0 ]] || printf '%s' "${options[*]}" >"$dir/.configured"
  say "building ${dir#"$root"/}"
  ninja -C "$dir" --quiet "${targets[@]}" >&2 || die "the build failed; see above"
}
