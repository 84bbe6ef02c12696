#!/bin/sh
# What a container runs in the place of nginx, where its disk does not outlive it: takes in what the fleet sent before
# nginx starts, and tells the fleet what this one sends while it runs, and that it has stopped.
#
#     ENTRYPOINT ["/etc/nginx/fleet/entrypoint.sh"]
#
# Settings of sync.sh, beside this file, are in /etc/nginx/fleet.conf: node=, a name that the next container in this
# one's place will have too; and ledger=, whose directory is there.
#
# SIGTERM, SIGINT and SIGQUIT let nginx finish what it has begun. Exits with nginx's status, or with 1 where sync.sh
# refuses the start.
set -eu

sync=${0%/*}/sync.sh
"$sync" prove

nginx -g 'daemon off;' &
nginx=$!
trap 'kill -QUIT "$nginx" 2> /dev/null' TERM INT QUIT

# Soon, so that the others know what is sent; then now and then. What fails has been said; the next one tells it again.
(
    trap 'kill $! 2> /dev/null; exit' TERM
    pause=5
    while :; do
        sleep "$pause" &
        wait $!
        "$sync" || :
        pause=300
    done
) &
telling=$!

status=0
wait "$nginx" || status=$?
while kill -0 "$nginx" 2> /dev/null; do     # it was a signal that came, and not the end
    status=0
    wait "$nginx" || status=$?
done
kill "$telling"
wait "$telling" || :
"$sync" || :
exit "$status"
