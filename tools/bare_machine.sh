#!/usr/bin/env bash
# Tries this repository where nothing is installed: a fresh Debian 12 as the root, with git and a
# clone of HEAD in /root/bourse.
#
#   tools/bare_machine.sh DIR [COMMAND..]     default: ./dev test
#
# DIR is made if absent and kept, so that a second call starts where the first ended (rm -r it by
# hand). Needs root and debootstrap; packages come from where this machine takes its own.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:?usage: tools/bare_machine.sh DIR [COMMAND..]}
shift
[ "$#" -gt 0 ] || set -- ./dev test
[ "$(id -u)" = 0 ] || { echo "tools/bare_machine.sh: needs root: run it with sudo" >&2; exit 1; }
command -v debootstrap >/dev/null || {
  echo "tools/bare_machine.sh: debootstrap is missing: apt-get install debootstrap" >&2
  exit 1
}

mirror_of_this_machine() {
  cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    grep -oE '^(URIs: *|deb +(\[[^]]*\] +)?)https?://[^ ]+' | grep -oE 'https?://[^ ]+' | head -1
}

if [ ! -d "$dir/root/bourse" ]; then
  mirror=$(mirror_of_this_machine)
  debootstrap --variant=minbase --include=git,ca-certificates bookworm "$dir" "$mirror" >/dev/null
  git clone -q "$here" "$dir/root/bourse"
fi
dir=$(cd "$dir" && pwd)
[ -e /etc/resolv.conf ] && cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
[ -e "$dir/etc/hosts" ] || echo '127.0.0.1 localhost' >"$dir/etc/hosts"  # an installer writes it
# Where a network shows certificates of its own, the bare machine is in that network too.
trust=()
if [ -r "${NODE_EXTRA_CA_CERTS:-}" ]; then
  cp -L "$NODE_EXTRA_CA_CERTS" "$dir/etc/ssl/certs/of-this-network.crt"
  trust=(NODE_EXTRA_CA_CERTS=/etc/ssl/certs/of-this-network.crt)
fi
# In a mount namespace of its own, where the directory becomes the root as a disk does on a machine:
# with chroot alone the kernel would name paths in /proc as they are outside.
enter='
  mount --rbind "$0" "$0"
  mount -t proc proc "$0/proc"
  mount --rbind /sys "$0/sys"
  mount --rbind /dev "$0/dev"
  mkdir -p "$0/outside"
  cd "$0"
  pivot_root . outside
  umount -l /outside
  exec "$@"
'
unshare --mount --propagation private bash -euc "$enter" "$dir" \
  /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}" \
  "${trust[@]}" \
  BARE_COMMAND="$*" bash -c 'cd /root/bourse && time $BARE_COMMAND'
