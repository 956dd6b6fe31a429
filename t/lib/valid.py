"""valid.py SCHEMA EVENTS: what a JSON Schema has against a list of events."""

import json
import sys

import jsonschema

with open(sys.argv[1]) as file:
    schema = json.load(file)
with open(sys.argv[2]) as file:
    events = json.load(file)

jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
bad = [e.message for event in events for e in validator.iter_errors(event)]
print("\n".join(bad), end="")
sys.exit(1 if bad or not events else 0)
