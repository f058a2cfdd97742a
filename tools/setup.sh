# Installs what tools/packages.txt lists; sourced by ./dev, which sets $root. Every refusal is one
# sentence: what is wrong and what to do. BOURSE_SKIP_SETUP=1 leaves the machine as it is.

AGAIN="then run the same command again."

complain() { printf './dev: %s\n' "$*" >&2; }

wanted_packages() {
  sed -e 's/#.*//' "$root/tools/packages.txt" | tr -s ' \t\n' '\n' | sed '/^$/d'
}

# Names that installed packages provide: another vendor's nodejs brings npm with it and refuses
# Debian's beside it.
provided_packages() {
  dpkg-query -W -f='${db:Status-Status} ${Provides}\n' 2>/dev/null | sed -n 's/^installed //p' |
    tr ',' '\n' | sed -e 's/(.*//' -e 's/ //g' | sort -u
}

# Prints the packages of the list that are neither installed nor provided by one that is.
missing_packages() {
  local wanted installed missing
  wanted=$(wanted_packages | sort -u)
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f='${db:Status-Status} ${binary:Package}\n' $wanted 2>/dev/null |
    sed -n -e 's/:.*$//' -e 's/^installed //p' | sort -u)
  missing=$(comm -23 <(printf '%s\n' "$wanted") <(printf '%s\n' "$installed"))
  [ -z "$missing" ] || comm -23 <(printf '%s\n' "$missing") <(provided_packages)
}

# Only what has been tried is claimed: Debian 12 and what calls itself the same release.
check_system() {
  local id="" version="" name="this system"
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
    name=$(. /etc/os-release && echo "${PRETTY_NAME:-$id}")
  fi
  if [ "$id" = debian ] && [ "${version%%.*}" = 12 ]; then return 0; fi
  complain "Bourse is built and tried on Debian 12 and this is $name: use a Debian 12 machine or" \
    "container, or install the packages of tools/packages.txt yourself and set BOURSE_SKIP_SETUP=1."
  return 1
}

# How to become root, as a prefix: empty for root, sudo where it works, failure otherwise.
root_prefix() {
  if [ "$(id -u)" = 0 ]; then
    echo ""
  elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    echo "sudo"
  else
    return 1
  fi
}

explain_apt_failure() {
  local log=$1 package
  if grep -qE 'No space left|enough free space' "$log"; then
    complain "the disk is full and packages could not be installed: free about 3 GB on /, $AGAIN"
  elif grep -qE 'Temporary failure|Could not resolve|Could not connect|Failed to fetch' "$log"; then
    complain "packages could not be downloaded: check the network and /etc/apt/sources.list, $AGAIN"
  elif grep -qE 'Unable to locate package|no installation candidate' "$log"; then
    package=$(grep -oE "package [a-z0-9.+-]+|Package '[^']+'" "$log" | head -1)
    complain "apt does not offer $package: enable Debian 12's main section in" \
      "/etc/apt/sources.list, $AGAIN"
  else
    complain "apt-get failed: the end of its output follows; its log is $log."
    tail -n 15 "$log" >&2
  fi
}

apt_run() {
  local sudo_word=$1 log=$2
  shift 2
  # shellcheck disable=SC2086
  $sudo_word env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" \
    >>"$log" 2>&1 </dev/null
}

# 3 GB holds the packages and their download; asked before, because apt stops half way.
check_disk_for_packages() {
  local free_kb
  free_kb=$(df -Pk /var/cache 2>/dev/null | awk 'NR == 2 { print $4 }')
  if [ -n "$free_kb" ] && [ "$free_kb" -lt 2500000 ]; then
    complain "installing needs about 3 GB on / and $((free_kb / 1024)) MB are free: free some" \
      "space, $AGAIN"
    return 1
  fi
}

install_packages() {
  local missing=$1 sudo_word log started
  if ! sudo_word=$(root_prefix); then
    complain "these packages are missing and installing them needs root: run" \
      "\"apt-get update && apt-get install --no-install-recommends ${missing% }\" as root," \
      "then the same command again."
    return 1
  fi
  check_disk_for_packages || return 1
  log=$(mktemp -t dev-setup.XXXXXX.log)
  started=$SECONDS
  # Runs once apt-get has ended, which it does in order: without it, an apt-get that was interrupted
  # would be one that failed, and be tried again.
  trap 'complain "interrupted while packages were installed: run it again."; exit 130' INT TERM
  printf 'installing  %s packages\n' "$(wc -w <<<"$missing")" >&2
  # Package lists on the machine may be absent or too old to name files that still exist: one update
  # first when there are none, one more when the install fails.
  if ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then apt_run "$sudo_word" "$log" update; fi
  # shellcheck disable=SC2086
  if ! apt_run "$sudo_word" "$log" install --no-install-recommends $missing; then
    apt_run "$sudo_word" "$log" update
    : >"$log.second"
    # shellcheck disable=SC2086
    if ! apt_run "$sudo_word" "$log.second" install --no-install-recommends $missing; then
      explain_apt_failure "$log.second"
      return 1
    fi
  fi
  trap - INT TERM
  rm -f "$log" "$log.second"
  printf 'installing  took %s s\n' "$((SECONDS - started))" >&2
}

setup_packages() {
  local missing
  [ "${BOURSE_SKIP_SETUP:-}" = 1 ] && return 0
  check_system || return 1
  missing=$(missing_packages)
  [ -z "$missing" ] && return 0
  install_packages "$(tr '\n' ' ' <<<"$missing")"
}

# Debian's kernel for virtual machines, which a test starts in an emulator: unpacked into build/ and
# not installed, because a kernel that is installed may be booted (26 MB to download).
setup_kernel() {
  local kept="$root/build/cgroup2-vmlinuz" box package
  if [ -e "$kept" ] || [ "${BOURSE_SKIP_SETUP:-}" = 1 ]; then return 0; fi
  box=$(mktemp -d -t dev-kernel.XXXXXX)
  printf 'fetching    a kernel for process.cgroup2\n' >&2
  package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
    sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1)
  if [ -n "$package" ] && (cd "$box" && apt-get -q download "$package" >download.log 2>&1 &&
    dpkg -x linux-image-*.deb unpacked) && mkdir -p "$root/build" &&
    cp "$box"/unpacked/boot/vmlinuz-* "$kept.new" && mv "$kept.new" "$kept"; then
    rm -rf "$box"
    return 0
  fi
  rm -rf "$box"
  complain "Debian's kernel could not be downloaded, so the test process.cgroup2 cannot run:" \
    "check the network and /etc/apt/sources.list, then run \"./dev setup\" (apt-get update first)."
  return 1
}

# help, down and clean need Python alone.
setup_python() {
  command -v python3 >/dev/null 2>&1 && return 0
  setup_packages
}
