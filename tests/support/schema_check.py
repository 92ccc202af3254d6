"""usage: schema_check.py SCHEMA FOLDER

Checks the schema against draft-07, then each FOLDER/*.yaml against the schema. Prints a line for
each file: its name, "good" or "bad", and for a bad one what is wrong; and one for each key of the
schema that no good file has: "unused", the part and the key.
"""
import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2's guesses, which editors make: no dates, no 1:30, yes and no are texts."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(pattern), first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))

def note_keys(value, used):
    if isinstance(value, dict):
        used.update(str(key) for key in value)
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            note_keys(part, used)


used = set()
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.yaml")):
    try:
        job = yaml.load(path.read_bytes().decode(), Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        print(path.name, "bad: no YAML")
        continue
    error = next(validator.iter_errors(job), None)
    if error is None:
        print(path.name, "good")
        note_keys(job, used)
    else:
        where = ".".join(str(part) for part in error.absolute_path)
        print(path.name, "bad:", where, error.message.replace("\n", " ")[:150])
for part, definition in [("job", schema), *schema["definitions"].items()]:
    for key, value in definition["properties"].items():
        if "not" not in value and key not in used:
            print("unused", part, key)
