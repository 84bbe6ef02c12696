#!/bin/sh
# Copies the working tree, as it is: what git tracks or would add; without git (a copy of a tree), all but build trees.
#
#     t/matrix/copy_tree.sh DIR      makes DIR
set -eu

to=$1
mkdir "$to"
to=$(cd "$to" && pwd)
cd "$(dirname "$0")/../.."

list=$(mktemp)
trap 'rm -f "$list"' EXIT
if [ -e .git ]; then
    git ls-files --cached --others --exclude-standard > "$list"
else
    find . -path './build*' -prune -o ! -type d -print > "$list"
fi

# A file may be tracked, and removed already.
while read -r file; do
    [ ! -e "$file" ] || printf '%s\n' "$file"
done < "$list" | tar -cf - --no-recursion --owner=0 --group=0 -T - | tar -C "$to" -xf -
