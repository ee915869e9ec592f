# A word for a shell, so that a hint works when pasted.
quoted() {
	printf "'%s'" "$(printf %s "$1" | command -p sed "s/'/'\\\\''/g")"
}
