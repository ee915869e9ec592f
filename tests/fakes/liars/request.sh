# Read by the liars: the request on standard input, its nonce, its files, and an honest answer to it.
request=$(cat)
nonce=$(printf '%s\n' "$request" | sed -n 's/^REQUEST {"nonce":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
files=$(printf '%s\n' "$request" | sed -n 's/^REQUEST .*"files":\(\[.*\]\)}$/\1/p' | head -n 1)
# answer VERDICT FINDINGS SUMMARY
answer() {
    printf '{"nonce":"%s","verdict":"%s","summary":"%s","files":%s,"findings":%s}' \
        "$nonce" "${1:-APPROVE}" "${3:-Read.}" "$files" "${2:-[]}"
}
block='[{"path":"app.txt","line":1,"severity":"P1","body":"Wrong","suggestion":null}]'
