
if [ ! -x "$chained" ]; then
	ask "$@"
	exit
fi
# Both want to read what git writes. The full stop keeps line ends that $(…) would cut off.
input=$(cat && echo .)
printf %s "${input%.}" | ask "$@" || exit
printf %s "${input%.}" | "$chained" "$@"
