#!/usr/bin/env bash
# Removes one rule at a time from a copy of the tree and expects a test to
# notice. README.md beside this file describes the patches.
#
#   testdata/mutants/run.sh              every patch
#   SAMPLE=3 testdata/mutants/run.sh     three of them, the same ones each time
#   testdata/mutants/run.sh NAME...      the named ones
#   BASELINE=1                           also run each test without the patch
#   TIMEOUT=120s                         time for one test; a hang counts as noticed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
here=testdata/mutants
timeout=${TIMEOUT:-120s}

names=()
if [ $# -gt 0 ]; then
	for name in "$@"; do
		name=$(basename "$name" .patch)
		[ -f "$here/$name.patch" ] || { echo "mutants: no patch $here/$name.patch" >&2; exit 2; }
		names+=("$name")
	done
else
	all=()
	for file in "$here"/*.patch; do
		[ -f "$file" ] && all+=("$(basename "$file" .patch)")
	done
	total=${#all[@]}
	if [ "$total" -eq 0 ]; then
		echo "mutants: no patch in $here: without one nothing shows that a test can fail" >&2
		exit 1
	fi
	take=${SAMPLE:-$total}
	[[ $take =~ ^[1-9][0-9]*$ ]] || { echo "mutants: SAMPLE=$take: give a number above 0" >&2; exit 2; }
	[ "$take" -gt "$total" ] && take=$total
	for ((i = 0; i < take; i++)); do
		names+=("${all[i * total / take]}")
	done
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/merograph-mutants.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree
mkdir "$tree"
list() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard
	else
		find . -type f -not -path './.git/*' -not -path './bin/*' -print0
	fi
}
list | while IFS= read -r -d '' file; do
	if [ -e "$file" ]; then printf '%s\0' "$file"; fi
done >"$tmp/files"
tar --null -T "$tmp/files" -cf - | tar -xf - -C "$tree"
# Some tests read data that lies beside the checkout.
if [ -d "$root/../shared" ]; then ln -s "$(cd "$root/../shared" && pwd)" "$tmp/shared"; fi

apply() { # in the copy; a patch that fits nowhere leaves it untouched
	if command -v patch >/dev/null; then
		patch -p1 --batch --forward --dry-run <"$1" && patch -p1 --batch --forward --no-backup-if-mismatch <"$1"
	else
		git apply -p1 "$1"
	fi
}
header() { sed -n "s/^# $2:[[:space:]]*//p;/^--- /q" "$1" | head -n 1; }

declare -A sound
bad=0
report() {
	printf '%-32s %-58.58s %s\n' "$1" "$2" "$3"
	if [ "$3" != noticed ]; then
		bad=$((bad + 1))
		sed 's/^/    /' "$tmp/log" | tail -n 20
	fi
}
printf '%-32s %-58s %s\n' name rule result
for name in "${names[@]}"; do
	file=$root/$here/$name.patch
	rule=$(header "$file" rule)
	test=$(header "$file" test)
	: >"$tmp/log"
	if [ -z "$rule" ] || [ -z "$test" ]; then
		report "$name" "$rule" "has no '# rule:' or no '# test:' line"
		continue
	fi
	read -r -a args <<<"${test//[\'\"]/}"
	if [ -n "${BASELINE:-}" ] && [ -z "${sound[$test]:-}" ]; then
		if ! (cd "$tree" && go test -count=1 -timeout "$timeout" "${args[@]}") >"$tmp/log" 2>&1; then
			report "$name" "$rule" "its test fails without the patch too"
			continue
		fi
		sound[$test]=yes
	fi
	if ! (cd "$tree" && apply "$file") >"$tmp/log" 2>&1; then
		report "$name" "$rule" "does not apply any more"
		continue
	fi
	result=noticed
	if ! (cd "$tree" && go test -count=1 -run '^$' "${args[0]}") >"$tmp/log" 2>&1; then
		result="does not build"
	elif (cd "$tree" && go test -count=1 -timeout "$timeout" "${args[@]}") >"$tmp/log" 2>&1; then
		result="SURVIVED: go test $test"
	fi
	report "$name" "$rule" "$result"
	# Put back what the patch named.
	sed -n 's|^+++ b/\([^[:space:]]*\).*|\1|p;s|^--- a/\([^[:space:]]*\).*|\1|p' "$file" | sort -u | while read -r touched; do
		rm -f "$tree/$touched"
		if [ -e "$root/$touched" ]; then cp -p "$root/$touched" "$tree/$touched"; fi
	done
done
if [ "$bad" -gt 0 ]; then
	echo "mutants: $bad of ${#names[@]} not noticed" >&2
	exit 1
fi
echo "mutants: all ${#names[@]} noticed"
