
if [ ! -x "$chained" ]; then
	ask "$@"
	exit
fi
# Both want to read what git writes. The full stop keeps line ends that $(…) would cut off.
# The PATH is anybody's, and input that is lost must not pass for none.
input=$(command -p cat && echo .) || exit
printf %s "${input%.}" | ask "$@" || exit
printf %s "${input%.}" | "$chained" "$@"
