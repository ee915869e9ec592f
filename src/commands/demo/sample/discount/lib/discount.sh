# discount PRICE PERCENT: what is left of the price, rounded up to a cent.
discount() {
  echo $((($1 * (100 - $2) + 99) / 100))
}
