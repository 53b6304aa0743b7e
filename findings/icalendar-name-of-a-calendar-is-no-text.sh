#!/usr/bin/env bash
# The name of a calendar that icalendar writes is not escaped, and one that it reads stays escaped.
#
# RFC 7986, 5.1: the value of NAME is a text, in which a comma, a semicolon and a backslash are
# escaped. icalendar knows the properties of RFC 7986 (Calendar.new(name=...), calendar_name), and
# escapes DESCRIPTION; NAME and X-WR-CALNAME it treats as properties of which it knows nothing. So
# a name with a comma is written as it is, the name of a calendar of somebody else has backslashes
# in calendar_name, and a calendar with a name does not come back from its own text as it was.
# Write such a name with vText, and read it with vText.from_ical.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "icalendar==7.3.2"
"$folder/env/bin/python" - <<'PYTHON'
import sys

import icalendar

name = "Agua, basura; caminos"
print("icalendar", icalendar.__version__)
calendar = icalendar.Calendar.new(name=name, description=name)
written = dict(
    line.split(":", 1)
    for line in calendar.to_ical().decode().splitlines()
    if line.startswith(("NAME:", "DESCRIPTION:", "X-WR-CALNAME:"))
)
calendar = icalendar.Calendar()
calendar.add("NAME", icalendar.vText(name))
escaped = calendar.to_ical().decode()
read = icalendar.Calendar.from_ical(escaped).calendar_name
for property_, value in sorted(written.items()):
    print(f"written {property_}: {value}")
print("written with vText:", escaped.splitlines()[1])
print("read from that, calendar_name:", read)
expected = {
    "NAME": name,
    "X-WR-CALNAME": name,
    "DESCRIPTION": "Agua\\, basura\\; caminos",
}
if written != expected or read != "Agua\\, basura\\; caminos":
    sys.exit("the behaviour has changed")
PYTHON
