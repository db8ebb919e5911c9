#!/usr/bin/env bash
# Runs the benchmarks behind docs/performance.md and prints their figures as a
# table. Ratios compare two ways of doing the same in one run, so they hold on
# other machines; times do not.
set -euo pipefail
cd "$(dirname "$0")/.."

raw=$(mktemp)
trap 'rm -f "$raw"' EXIT

# What else the machine does is part of the figures.
load=$(cut -d ' ' -f 1 /proc/loadavg)
# -p 1: two packages at once would disturb each other.
go test -p 1 -run '^$' -timeout 60m -bench \
	'^Benchmark(Checkout|Exec|Read|Step|LongConversation|TaskMemory|Webhook|Throughput|Claim|FirstCall|Idle|Acknowledge|Plan|Fleet)' \
	./internal/git ./sandbox/bwrap ./agent ./internal/runner \
	./queue ./integrations/github ./integrations/slack ./fleet/plan ./cmd/honk/service | tee "$raw" >&2

printf '\n%s, %s cores, load %s at the start and %s at the end\n\n' \
	"$(go env GOVERSION)" "$(nproc)" "$load" "$(cut -d ' ' -f 1 /proc/loadavg)"
printf '| benchmark | figures |\n|---|---|\n'
awk '/^Benchmark/ {
	name = $1
	sub(/-[0-9]+$/, "", name)
	line = ""
	for (i = 3; i < NF; i += 2) {
		value = $i; unit = $(i + 1)
		if (unit == "ns/op" && value >= 1e6) { value = sprintf("%.2f", value / 1e6); unit = "ms/op" }
		else if (unit == "ns/op" && value >= 1e3) { value = sprintf("%.1f", value / 1e3); unit = "µs/op" }
		line = line (line == "" ? "" : ", ") value " " unit
	}
	printf "| %s | %s |\n", name, line
}' "$raw"
