#!/usr/bin/env bash
# ckanext-scheming puts the rows of a repeating field in the order of their numbers as text.
#
# A form sends the rows of a repeating field as field-0-subfield, field-1-subfield and so on. One
# would expect them to be stored in the order of their numbers, as they stand in the form. Scheming
# sorts the names as text, in which 10 comes before 2: the eleventh row becomes the third. Up to ten
# rows nothing is noticed. An extension that shows errors by row number, or whose order of rows means
# something, has to number them with leading zeros or put the rows together itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
# Without what it depends on: the function that is tried needs none of it.
"$folder/env/bin/pip" install --quiet --no-deps "ckanext-scheming==3.1.0"
"$folder/env/bin/python" - <<'PYTHON'
import ast
import importlib.metadata
import sys
import sysconfig
from pathlib import Path

# The module imports CKAN, the function does not: only the function is run, from the installed file.
path = Path(sysconfig.get_path("purelib"), "ckanext", "scheming", "plugins.py")
tree = ast.parse(path.read_text(encoding="utf-8"))
wanted = [n for n in tree.body if getattr(n, "name", "") == "expand_form_composite"]
names = {}
exec(compile(ast.Module(wanted, []), str(path), "exec"), names)

form = {f"milestone-{number}-title": f"row {number}" for number in range(12)}
names["expand_form_composite"](form, {"milestone"})
order = [row["title"] for row in form["milestone"]]
print("ckanext-scheming", importlib.metadata.version("ckanext-scheming"))
print("rows as sent:  ", [f"row {number}" for number in range(12)])
print("rows as stored:", order)
expected = ["row 0", "row 1", "row 10", "row 11", *(f"row {number}" for number in range(2, 10))]
if order != expected:
    sys.exit("the behaviour has changed")
print("the eleventh row has become the third")
PYTHON
