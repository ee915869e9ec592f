# tax PRICE PERCENT: the price with tax, rounded to a cent.
tax() {
  echo $((($1 * (100 + $2) + 50) / 100))
}
