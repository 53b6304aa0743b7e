#!/usr/bin/env bash
# Importing CKAN puts CKAN's own folder first on Python's path.
#
# So each package inside of CKAN can be imported without "ckan." in front, and one of the same name
# elsewhere no longer can: after "import ckan", a project's own "tests", "lib" or "model" is CKAN's.
# What was imported before stays what it was, so the process that imported both in the usual order
# sees nothing. A process that multiprocessing starts takes over the path, imports the modules
# again, and gets CKAN's. Put the project's folder first once more before starting one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --no-deps "ckan==2.12.0"
mkdir -p "$folder/project/tests"
echo 'WHOSE = "the project"' >"$folder/project/tests/__init__.py"
cd "$folder/project"
"$folder/env/bin/python" - <<'PYTHON'
import importlib.metadata
import subprocess
import sys

SHOW = "import sys; {}import tests; print(getattr(tests, 'WHOSE', 'CKAN'))"
found = []
for before in ("", "import ckan; "):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SHOW.format(before)],
        capture_output=True, text=True, check=True,
    )
    found.append(done.stdout.strip())
print("ckan", importlib.metadata.version("ckan"))
print("whose package is tests:", found[0])
print("whose it is after import ckan:", found[1])
if found != ["the project", "CKAN"]:
    sys.exit("the behaviour has changed")
PYTHON
