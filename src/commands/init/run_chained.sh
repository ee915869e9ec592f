
ask "$@" || exit
[ -x "$chained" ] || exit 0
exec "$chained" "$@"
