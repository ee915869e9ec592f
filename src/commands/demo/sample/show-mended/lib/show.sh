# show PRICE: the price for people, as 12.50.
show() {
  printf '%d.%02d\n' $(($1 / 100)) $(($1 % 100))
}
