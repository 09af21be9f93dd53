#!/usr/bin/env bash
# Nothing that was built or downloaded belongs into the repository: no file over a megabyte, no wheel, archive of a package or library.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=$(git ls-files -z | while IFS= read -r -d '' file; do
    case "$file" in *.whl | *.so | *.tgz | *.crate | *.deb | *.rpm) echo "$file: built or downloaded" ;; esac
    if [ -f "$file" ] && [ "$(stat -c %s "$file")" -gt 1048576 ]; then echo "$file: over 1 MB"; fi
done)
if [ -n "$bad" ]; then
    printf 'These files do not belong into the repository:\n%s\n' "$bad" >&2
    exit 1
fi
