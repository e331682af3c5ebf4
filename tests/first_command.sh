#!/usr/bin/env bash
# The README's first command in a fresh clone: it must answer the sample mutation.
set -euo pipefail
cd "$(dirname "$0")/.."
command=$(awk '/^## Try it/{found=1} found && /^```/{n++; next} found && n==1{print} n==2{exit}' README.md)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
git clone -q . "$clone"
cd "$clone"
printed=$(mktemp)
echo "$command --port 0"
set -m
bash -euo pipefail -c "$command --port 0" >"$printed" 2>&1 &
group=$!
for _ in $(seq 600); do
  grep -q 'Ctrl-C stops' "$printed" && break
  kill -0 "$group" 2>/dev/null || break
  sleep 0.5
done
kill -INT -- "-$group" 2>/dev/null || true
wait "$group" || status=$?
cat "$printed"
grep -q '"__typename": "InviteCandidateSuccess"' "$printed"
grep -q '^Stopped' "$printed"
exit "${status:-0}"
