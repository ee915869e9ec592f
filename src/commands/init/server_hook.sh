#!/bin/sh
# Installed by git-flow-ai; `git flow-ai init --uninstall` puts back what was here before.
program=@PROGRAM@
chained=@CHAINED@

@QUOTED@
ask() {
	if [ -x "$program" ]; then
		"$program" hook @NAME@ "$@"
	else
		# Nobody else stands between a push and the branches: doubt is refusal.
		echo "git flow-ai: $program is missing on this server, so nobody can tell what may enter" >&2
		echo "hint: whoever keeps this server installs it again, or gives up the gate: rm $(quoted "$0")" >&2
		return 1
	fi
}
