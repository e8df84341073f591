#!/bin/sh
# Kills a process that writes to a log, at a random moment under load, a thousand times (or $1), and looks after each kill
# for every write that the process had acknowledged.
cd "$(dirname "$0")/.." || exit 2
DAG_KILLS=${1:-1000} exec go test -count=1 -timeout 60m -v -run TestRule3_1_Kill9 .
