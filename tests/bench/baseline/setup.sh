#!/bin/sh
# shellcheck disable=SC2154  # set by the harness
# rules as installed, in the directory of the configuration; the two rates on
# addresses are raised, or workload A would measure refusals
set -e
rules=$(dirname "$OWN_SO")/../conf/rules
mkdir -p "$BENCH_TMP/fraud/rules"
cp "$rules"/* "$BENCH_TMP/fraud/rules/"
sed -i -E 's,^(fraud_rate .* rate=)[0-9]+r/[smh] burst=[0-9]+,\1900000r/s burst=900000,' \
    "$BENCH_TMP/fraud/rules/baseline.conf"
chmod -R a+rX "$BENCH_TMP"
