#!/bin/sh
# Installed by git-flow-ai; `git flow-ai init --uninstall` puts back what was here before.
# git 2.54 and newer run this by their config, and then the file in the folder of hooks, if there is
# one: where that is ours, it asks.
program=@PROGRAM@
file=$(git rev-parse --git-path hooks/@NAME@)
if [ -x "$file" ] && { read -r _ && read -r mark; } <"$file"; then
	case $mark in '# Installed by git-flow-ai;'*) exit 0 ;; esac
fi
if [ -x "$program" ]; then
	exec "$program" hook @NAME@ "$@"
fi
echo "git flow-ai: $program is missing, so @NAME@ asks nobody; install it, or: rm -r '${0%/*}'" >&2
