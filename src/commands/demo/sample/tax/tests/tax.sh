. ./lib/tax.sh
test "$(tax 1000 19)" = 1190 && test "$(tax 999 7)" = 1069
