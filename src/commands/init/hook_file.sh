#!/bin/sh
# Installed by git-flow-ai; `git flow-ai init --uninstall` puts back what was here before.
program=@PROGRAM@
chained=@CHAINED@

@QUOTED@
ask() {
	if [ -x "$program" ]; then
		"$program" hook @NAME@ "$@"
	else
		echo "git flow-ai: $program is missing, so @NAME@ asks nobody; install it, or: rm $(quoted "$0")" >&2
	fi
}
