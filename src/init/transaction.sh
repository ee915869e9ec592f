#!/bin/sh
# Installed by git-flow-ai; `git flow-ai init --uninstall` puts back what was here before.
# git calls this for every ref, several times: what is none of our business ends here, in the shell.
program=@PROGRAM@
chained=@CHAINED@
[ "$1" = prepared ] || [ -x "$chained" ] || exit 0

ask() {
	[ "$1" = prepared ] || return 0
	updates= lines=0
	while [ $lines -lt 100 ] && read -r old new ref; do
		lines=$((lines + 1))
		case $ref in
		refs/heads/flow/*) ;;
		ORIG_HEAD | refs/heads/* | refs/notes/flow-ai) updates="$updates$old $new $ref
" ;;
		esac
	done
	[ -n "$updates" ] || [ $lines -eq 100 ] || return 0
	# The PATH is anybody's, and a rest that is lost must not pass for none.
	rest=
	[ $lines -lt 100 ] || rest=$(command -p cat && echo .) || return
	printf %s "$updates${rest%.}" | if [ -x "$program" ]; then
		"$program" hook reference-transaction prepared
	else
		guard
	fi
}

# Without the program nobody can tell what is approved: protected branches stay where they are.
guard() {
	while read -r old new ref; do
		case $ref in @PROTECTED@) ;; *) continue ;; esac
		case $new in *[!0]*) ;; *) continue ;; esac
		now=$(git rev-parse --verify --quiet "$ref") || continue
		[ "$new" != "$now" ] || continue
		echo "git flow-ai: $program is missing, so nobody can tell whether $ref may move" >&2
		echo "hint: install it again (cargo install git-flow-ai), or give up the gate: rm '$0'" >&2
		return 1
	done
}
