#!/usr/bin/env bash
# What a campaign makes of each rule that is removed: the patches with a line
# "# scenario: NAME" are applied one at a time to a copy of the tree, the
# campaign of that scenario is run, and its first failure is replayed from its
# seed and shrunk. Prints the table of docs/simulation.md.
#
#   testdata/mutants/table.sh              every such patch
#   testdata/mutants/table.sh NAME...      the named ones
#   SCENARIO=globalregistry               those of one scenario
#   SEEDS=200 NODES=20 TIME=10m            of the campaign
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
here=testdata/mutants
seeds=${SEEDS:-200} nodes=${NODES:-20} time=${TIME:-10m}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/merograph-rules.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/tree"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do
	if [ -e "$f" ]; then printf '%s\0' "$f"; fi
done >"$tmp/files"
tar --null -T "$tmp/files" -cf - | tar -xf - -C "$tmp/tree"

header() { sed -n "s/^# $2:[[:space:]]*//p;/^--- /q" "$1" | head -n 1; }
number() { grep -oE "\"$1\":[0-9]+" <<<"$2" | head -n 1 | grep -oE '[0-9]+$'; }

bad=0
echo "| rule that is removed | found by | seeds | faults until then | needed |"
echo "|---|---|--:|--:|--:|"
if [ $# -gt 0 ]; then files=("${@/#/$here/}") && files=("${files[@]/%/.patch}"); else files=("$here"/*.patch); fi
for file in "${files[@]}"; do
	scenario=$(header "$file" scenario)
	[ -n "$scenario" ] && [ "$scenario" = "${SCENARIO:-$scenario}" ] || continue
	rule=$(header "$file" rule)
	(cd "$tmp/tree" && patch -p1 -s --no-backup-if-mismatch <"$root/$file" && go build -o "$tmp/merod" ./cmd/merod)
	out=$("$tmp/merod" testnet sim "$scenario" --nodes "$nodes" --time "$time" --faults all --swarm --seeds "$seeds" --explain --json 2>"$tmp/err") || true
	(cd "$tmp/tree" && patch -p1 -s -R --no-backup-if-mismatch <"$root/$file")
	story=$(grep -o '"story":.*' <<<"$out" || true)
	if [ -n "$story" ]; then
		failed=$(grep -o '"failed":\[{[^}]*}' <<<"$out")
		property=$(grep -oE '"property":"[^"]*"' <<<"$story" | head -n 1 | cut -d'"' -f4)
		needed=$( (grep -oE '"override":' <<<"${story%%\"steps\"*}" || true) | wc -l)
		echo "| ${rule#*: } | $property | $(number seed "$failed") | $(number before "$story") | $needed |"
	elif grep -q '"unreached":\["' <<<"$out"; then
		name=$(grep -oE '"unreached":\["[^"]*"' <<<"$out" | cut -d'"' -f4)
		echo "| ${rule#*: } | never reached: $name | $seeds | | |"
	else
		echo "| ${rule#*: } | **not found** $(head -c 200 "$tmp/err") | $seeds | | |"
		bad=$((bad + 1))
	fi
done
exit $((bad > 0))
