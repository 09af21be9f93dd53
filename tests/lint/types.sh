#!/usr/bin/env bash
# Strict types in all Python. Each folder below is a program: what else it imports from the repository stands behind it.
#     tests/lint/types.sh MYPY [FOLDER]
set -uo pipefail
cd "$(dirname "$0")/../.."
mypy=$1 only=${2:-}
failed=0
check() {
    local folder=$1 path
    [ -z "$only" ] || [ "$only" = "$folder" ] || return 0
    path=$(IFS=:; echo "$*")
    mapfile -t files < <(git ls-files "$folder/*.py" "$folder/*.pyi" | grep -v "$(echo "${inner[$folder]:-^$}")")
    MYPYPATH=$path "$mypy" "${files[@]}" || { echo "^ $folder"; failed=1; }
}
# Folders within others that are programs of their own.
declare -A inner=(
    [bench]='^bench/.*/'
    [conformance]='^conformance/.*/'
    [python]='^python/\(tests\|examples\)/'
)
check python
check python/tests python
check python/examples python
check bench conformance
check bench/dbos
check bench/python python
check bench/rust-sdk bench
check conformance
check conformance/differential conformance
check conformance/cli conformance conformance/differential
check conformance/moving conformance
check conformance/ui conformance conformance/differential
check docs/reference
check examples/temporal-python
check tests/all
check tests/console tests/hostile conformance tests/crash
check tests/crash conformance
check tests/hostile conformance tests/crash
check tests/house
check tests/lint
check tests/official-sdk conformance python
check tests/official-tests conformance python
check tests/rust-sdk conformance bench
# What no folder above has would be checked by nobody.
if [ -z "$only" ]; then
    checked='^\(python\|bench\|conformance\|docs/reference\|examples/temporal-python\|tests/\(all\|console\|crash\|hostile\|house\|lint\|official-sdk\|official-tests\|rust-sdk\)\)/'
    forgotten=$(git ls-files '*.py' '*.pyi' | grep -v "$checked")
    [ -z "$forgotten" ] || { printf 'tests/lint/types.sh names no folder of:\n%s\n' "$forgotten"; failed=1; }
fi
exit $failed
