#!/usr/bin/env bash
# python-calamine's iter_rows keeps the empty rows above a table and drops the empty columns left of it.
#
# to_python(skip_empty_area=True) drops both and to_python(skip_empty_area=False) keeps both, so that
# indexes are either relative to CalamineSheet.start or those of the sheet. iter_rows, which one takes
# for large sheets, has rows that begin at row 1 and cells that begin at the first filled column. The
# number of a row is right, and every column is named wrongly. Add sheet.start[1] to the columns only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "python-calamine==0.9.1" "openpyxl==3.1.5"
"$folder/env/bin/python" - "$folder/table.xlsx" <<'PYTHON'
import sys
from importlib.metadata import version

import openpyxl
import python_calamine

book = openpyxl.Workbook()
book.active["C4"] = "sector"
book.active["D4"] = "day"
book.save(sys.argv[1])

sheet = python_calamine.load_workbook(sys.argv[1]).get_sheet_by_index(0)
rows = {
    "iter_rows()": list(sheet.iter_rows()),
    "to_python()": sheet.to_python(),
    "to_python(skip_empty_area=False)": sheet.to_python(skip_empty_area=False),
}
print("python-calamine", version("python-calamine"), "- the table begins at C4, start is", sheet.start)
for name, found in rows.items():
    print(f"{name}: {len(found)} rows, the last one is {found[-1]}")
expected = {
    "iter_rows()": [["", ""]] * 3 + [["sector", "day"]],
    "to_python()": [["sector", "day"]],
    "to_python(skip_empty_area=False)": [["", "", "", ""]] * 3 + [["", "", "sector", "day"]],
}
if rows != expected or sheet.start != (3, 2):
    sys.exit("the behaviour has changed")
PYTHON
