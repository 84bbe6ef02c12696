#!/bin/sh
# Runs a command in a chroot, as its root.
#
#     t/matrix/enter.sh DIR network|alone COMMAND...
#
# Mounts, processes and, if alone, network are a namespace's: no process of this machine can be seen from there, and the
# kernel ends and unmounts all when COMMAND is over. Wants root, and iproute2 for a network of its own.
set -eu

root=$1 net=
[ "$2" = network ] || net=--net
shift 2

# shellcheck disable=SC2016  # the inner shell expands it
exec unshare --mount --pid --ipc --fork --kill-child $net sh -euc '
    root=$1
    net=$2
    shift 2
    [ -z "$net" ] || ip link set lo up
    mount --bind "$root" "$root"   # its root is a mount then, which unshare wants: t/packages.t makes a chroot in there
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mkdir -m 1777 "$root/dev/shm"
    mkdir "$root/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    for name in null zero full random urandom tty; do
        : > "$root/dev/$name"
        mount --bind "/dev/$name" "$root/dev/$name"
    done
    exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LC_ALL=C.UTF-8 "$@"
' sh "$root" "$net" "$@"
