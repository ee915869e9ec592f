. ./lib/sum.sh
test "$(sum 100 250)" = 350
