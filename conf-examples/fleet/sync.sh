#!/bin/sh
# One ledger for many servers, by way of a git repository: tells the other nodes what this one sent and serves, and the
# ledger of this one what they sent.
#
#     sync.sh            does that: after a start and after a stop, and from cron
#     sync.sh prove      does that, and proves the policy for what all nodes serve: before a start
#     sync.sh reload     does both, reloads nginx, waits until it is done, and tells the others
#
# To begin: git clone URL /var/lib/hpkp-fleet, as root, and write into /etc/nginx/fleet.conf what is to be other than
# under "Settings". Nobody else works in that clone. In it are
#
#     NODE/ledger.json           what NODE sent, and what it knows of the others: hpkp ledger export
#     NODE/chain-1.pem ...       what NODE serves
#
# and a node writes into its own directory alone, so there is nothing to merge.
#
# It prints one line and exits with 0, or says what went wrong and exits with 1. Where it cannot learn what the others
# sent, nothing is loaded.
set -eu

# Settings
node=$(uname -n)                      # a name that no other node has
fleet=/var/lib/hpkp-fleet             # the clone
branch=main
policy=/etc/nginx/pins.yaml           # empty: this node has none, and is held to those of the others
policy_name=                          # where the file has several
chains=                               # the files of ssl_certificate, or hpkp_served_chain; spaces between them
ledger=/var/lib/nginx/hpkp.ledger
pid=/run/nginx.pid
nginx_reload='nginx -s reload'
seconds=60                            # that git may take for a step, and nginx for a load

PATH=$PATH:/usr/local/bin:/usr/sbin   # cron's is short
export PATH GIT_TERMINAL_PROMPT=0

settings=${HPKP_FLEET_CONF:-/etc/nginx/fleet.conf}
# shellcheck source=/dev/null
[ ! -e "$settings" ] || . "$settings"

fail() {     # WHAT [WHAT-FOLLOWS]
    printf 'hpkp sync: %s: %s\n' "$node" "$1" >&2
    [ -z "${2-}" ] || printf '    %s\n' "$2" >&2
    exit 1
}

mode=${1-}
case $#:$mode in
    0:|1:prove|1:reload) ;;
    *) echo "usage: $0 [prove|reload]" >&2; exit 2 ;;
esac
case $node in
    ''|.*|-*|*[!A-Za-z0-9._-]*) fail 'this cannot be the name of a directory' "Set node= in $settings" ;;
esac
[ -n "$chains" ] || fail 'what it serves is not known' "Set chains= in $settings"
[ -d "$fleet/.git" ] || fail "there is no clone in $fleet" "git clone URL $fleet"
cd "$fleet"

# One at a time. nginx must not inherit the lock: a daemon would hold it for ever.
exec 9> .git/hpkp-sync.lock
flock -w $((seconds * 5)) 9 || fail 'another sync.sh does not end' "fuser -v $fleet/.git/hpkp-sync.lock"

runs() { master=$(cat "$pid" 2> /dev/null) && [ -d "/proc/$master" ]; }

# ---- the exchange

git_() {
    timeout "$seconds" git -c user.name="$node" -c user.email="$node@fleet.invalid" -c commit.gpgsign=false "$@"
}

pull() {
    git_ fetch -q origin || fail "the repository cannot be read, so it is not known what the others sent" "$1"
    # The first node of all finds nothing.
    git rev-parse -q --verify "origin/$branch" > /dev/null || return 0
    # A union keeps the latest times: what a clock in the future wrote would bind all nodes for as long.
    if [ "$(git log -1 --format=%ct "origin/$branch")" -gt $(($(date +%s) + 300)) ]; then
        fail "the clock is behind that of $(git log -1 --format=%s "origin/$branch"), which was here last: one of them is wrong" "$1"
    fi
    git_ reset -q --hard "origin/$branch"
}

import() {
    # A node that has lost its ledger takes up what it sent itself, as its own.
    if ! [ -e "$ledger" ] && [ -e "$node/ledger.json" ]; then
        hpkp ledger import --own --ledger "$ledger" "$node/ledger.json" > /dev/null || return 1
    fi
    set -- */ledger.json
    [ -e "$1" ] || return 0
    hpkp ledger import --ledger "$ledger" "$@" > /dev/null
}

# Every export says anew until when something was sent: until now. Once a day is enough of that; or at once, if somebody
# has said that this node is gone.
timeless() { sed 's/"last-sent":[0-9]*//g' "$1"; }
day_old() {
    at=$(git log -1 --format=%ct -- "$node/ledger.json")
    [ $(($(date +%s) - ${at:-0})) -ge 86400 ]
}

said_gone() {
    sed -n '/"open":true,"own":true/s/.*"id":"\([0-9a-f]*\)".*/\1/p' "$1" > .git/hpkp-open
    grep -hF '"by-hand":true' ./*/ledger.json | grep -qFf .git/hpkp-open
}

put_ledger() {
    [ -e "$ledger" ] || return 0
    new=.git/hpkp-ledger.json
    hpkp ledger export --ledger "$ledger" "$new" || return 1
    if ! [ -e "$node/ledger.json" ] || [ "$(timeless "$new")" != "$(timeless "$node/ledger.json")" ] || day_old ||
        said_gone "$new"; then
        mv "$new" "$node/ledger.json"
    fi
}

# before a load: what is served, and what will be; after it: the latter; undo: as it was before. Else what nginx was
# started with, if that is not known yet. Where nginx does not run, nothing is served.
put_chains() {
    saved=.git/hpkp-chains
    if [ "$1" = before ]; then
        rm -rf "$saved"
        cp -R "$node" "$saved" || return 1
    fi
    if [ "$1" = after ] || [ "$1" = undo ] || ! runs; then
        rm -f "$node"/chain-*.pem
    fi
    from=$chains
    case $1 in
        undo) set -- "$saved"/chain-*.pem; [ -e "$1" ] && runs || return 0; from=$* ;;
        '') set -- "$node"/chain-*.pem; ! [ -e "$1" ] && runs || return 0 ;;
    esac
    for chain in $from; do
        for known in "$node"/chain-*.pem; do
            cmp -s "$chain" "$known" && continue 2
        done
        number=1
        while [ -e "$node/chain-$number.pem" ]; do number=$((number + 1)); done
        cp "$chain" "$node/chain-$number.pem" || return 1
    done
}

exchange() {     # before, after, undo, or nothing; what follows if it fails
    [ -z "$(git status --porcelain -- . ":!$node")" ] || fail "somebody has changed files in $fleet" "$2"
    for pause in 0 1 1 2 3 5 8; do
        sleep "$pause"
        pull "$2"
        mkdir -p "$node"
        import || fail 'what the others sent cannot be taken in, see above' "$2"
        if ! put_ledger || ! put_chains "$1"; then
            fail 'what this node sends and serves cannot be written down, see above' "$2"
        fi
        git_ add -A -- "$node"
        if git rev-parse -q --verify HEAD > /dev/null && git diff --cached --quiet; then
            return 0
        fi
        git_ commit -q -m "$node" || fail 'git cannot commit, see above' "$2"
        # Another node may have been faster: then once more from the start.
        if git_ push -q origin "HEAD:$branch" 2> .git/hpkp-push.log; then
            return 0
        fi
    done
    cat .git/hpkp-push.log >&2
    fail "the repository takes nothing, so the others do not know of this node" "$2"
}

# ---- a load

# That this node's chains fit what the others sent is in the ledger. That the policy which it is about to send fits what
# they serve is not.
check() { hpkp check "$policy" ${policy_name:+--name "$policy_name"} --ledger "$ledger" "$@"; }

chains_of() {     # a node; as arguments of check
    set -- "$1"/chain-*.pem
    [ ! -e "$1" ] || printf -- '--chain %s ' "$@"
}

prove() {
    [ -n "$policy" ] || return 0
    nothing='Nothing is loaded.'
    # This one's by what it will serve: it may be about to mend what it serves now.
    own=$(for chain in $chains; do printf -- '--chain %s ' "$chain"; done)
    others=$(for directory in */; do [ "$directory" = "$node/" ] || chains_of "${directory%/}"; done)
    # shellcheck disable=SC2086  # words: no name has a space in it
    found=$(check $own $others) && return 0
    printf '%s\n' "$found" >&2
    unfit=
    for directory in */; do
        one=$own
        [ "$directory" = "$node/" ] || one=$(chains_of "${directory%/}")
        # shellcheck disable=SC2086
        [ -z "$one" ] || check $one > /dev/null 2>&1 || unfit="$unfit ${directory%/}"
    done
    exchange undo "$nothing"
    fail "$policy is refused for what is served by:${unfit:- all of them together}" "$nothing"
}

workers() { cat "/proc/$(cat "$pid")/task/$(cat "$pid")/children"; }

# nginx -s reload does not wait. The ledger has what the load sends before there is a new worker.
reload() {
    old=" $(workers) "
    if ! $nginx_reload 9>&-; then
        exchange undo 'nginx serves on as before.'
        fail "$nginx_reload failed, see above" 'nginx serves on as before.'
    fi
    fifths=0
    while [ "$fifths" -lt $((seconds * 5)) ]; do
        for worker in $(workers); do
            case $old in *" $worker "*) ;; *) return 0 ;; esac
        done
        sleep 0.2
        fifths=$((fifths + 1))
    done
    fail "nginx has no new worker after $seconds seconds" 'See its error log; then: sync.sh reload'
}

case $mode in
    '')
        exchange '' 'Run it again, before a key or a policy is changed anywhere.'
        ;;
    prove)
        exchange before 'Nothing is loaded.'
        prove
        ;;
    reload)
        runs || fail 'nginx does not run' "See pid= in $settings; to start it: sync.sh prove, nginx, sync.sh"
        exchange before 'Nothing is loaded, and nginx serves on as before.'
        prove
        reload
        exchange after 'nginx has been reloaded. Run sync.sh again, before a key or a policy is changed anywhere.'
        ;;
esac
printf 'hpkp sync: %s: ' "$node"
case $mode in
    '') echo 'knows what the others sent, and they what this one did' ;;
    prove) echo 'the policy holds for all nodes' ;;
    reload) echo 'reloaded, and the others know' ;;
esac
