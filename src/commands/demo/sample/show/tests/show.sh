. ./lib/show.sh
test "$(show 1250)" = 12.50
