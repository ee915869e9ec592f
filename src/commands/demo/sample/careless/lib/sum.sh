# sum PRICE...: what they cost together.
sum() {
  eval "echo \$(($(echo "$*" | tr ' ' '+')))"
}
