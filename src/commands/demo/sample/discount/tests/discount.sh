. ./lib/discount.sh
test "$(discount 1000 15)" = 850 && test "$(discount 999 50)" = 500
