#!/bin/sh
# Compiles by way of ccache: cached_compile.sh CCACHE COMPILER ARGUMENT...
#
# A precompiled header is removed before it is made anew. The compiler would find the old one where
# the new one is to be, and begin with it in place of the headers that changed; ccache, which asks
# the compiler what a file consists of, would take it for unchanged and keep the old one for good.
set -e
cache=$1
shift
for word; do
  case $word in
    *.gch | *.pch) if [ "$before" = -o ]; then rm -f "$word"; fi ;;
  esac
  before=$word
done
# What ccache asks for before it keeps what was made with a precompiled header.
CCACHE_SLOPPINESS=pch_defines,time_macros
export CCACHE_SLOPPINESS
exec "$cache" "$@"
