. ./lib/show.sh
test "$(show 1250)" = 12.50 && test "$(show 1205)" = 12.05
