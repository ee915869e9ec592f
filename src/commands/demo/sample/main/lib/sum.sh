# sum PRICE...: what they cost together.
sum() {
  total=0
  for price; do
    total=$((total + price))
  done
  echo "$total"
}
