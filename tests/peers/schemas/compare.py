"""Whatever Slipway's grammars of JSON schemas allow is valid for Python's jsonschema, and so is what the small model
replies under them at high temperatures.

Usage: python compare.py PROGRAM MODELS [SCHEMAS [REPLIES]]
"""
import datetime
import json
import pathlib
import random
import subprocess
import sys

import jsonschema

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import sentences  # noqa: E402

NAMES = ["name", "na", "namely", "größe", "a b", "quote\"d", "x", "id", "value", "items"]
WORDS = ["red", "green", "blue", "", "a\"b", "naïve", "new\nline"]
FORMATS = ["date", "time", "date-time", "uuid", "ipv4", "ipv6", "email", "hostname", "uri", "duration"]
PATTERNS = ["^[a-z]{2,4}$", "^\\d{3}-\\d{4}$", "^(yes|no)$", "^[^\\s\"]+$", "^\\w+(\\.\\w+)*$", "^[A-F0-9]*$",
            "^a?b+c{2}$", "[0-9]+", "^(?:x|y(?:z|\\\\))\"$", "^\\S\\W\\D$", "^.{0,5}$", "^[\\]\\-^]$", "^\\u00e9\\x41$"]


def number_bounds(source, kind):
    whole = kind == "integer"
    low = source.choice([0, 1, -5, -100, 7, 99, 1000, -1, 12345] + ([] if whole else [0.5, -0.25, 3.14, 1e-3, -2.5]))
    span = source.choice([0, 1, 2, 9, 10, 95, 1000, 10 ** 6] + ([] if whole else [0.5, 0.01, 1.25]))
    schema = {"type": kind}
    if source.random() < .7:
        schema[source.choice(["minimum", "minimum", "exclusiveMinimum"])] = low
    if source.random() < .7:
        schema[source.choice(["maximum", "maximum", "exclusiveMaximum"])] = low + span
    return schema


def string(source):
    kind = source.randrange(5)
    if kind == 0:
        return {"type": "string", "format": source.choice(FORMATS)}
    if kind == 1:
        return {"type": "string", "pattern": source.choice(PATTERNS)}
    schema = {"type": "string"}
    if source.random() < .5:
        schema["minLength"] = source.randint(0, 5)
    if source.random() < .5:
        schema["maxLength"] = schema.get("minLength", 0) + source.choice([0, 1, 5, 30, 1200])
    return schema


def record(source, depth):
    names = source.sample(NAMES, source.randint(0, 5))
    schema = {"type": "object", "properties": {name: any_schema(source, depth - 1) for name in names}}
    if source.random() < .7:
        schema["required"] = [name for name in names if source.random() < .5]
    if source.random() < .2:
        schema.setdefault("required", []).append("unnamed")
    extra = source.randrange(4)
    if extra == 0 and "unnamed" not in schema.get("required", []):
        schema["additionalProperties"] = False
    if extra == 1:
        schema["additionalProperties"] = any_schema(source, 0)
    return schema


def array(source, depth):
    schema = {"type": "array"}
    if source.random() < .8:
        schema["items"] = any_schema(source, depth - 1)
    if source.random() < .3:
        schema["prefixItems"] = [any_schema(source, depth - 1) for _ in range(source.randint(1, 3))]
        if source.random() < .4:
            schema["items"] = False
    if source.random() < .4 and schema.get("items") is not False:
        schema["minItems"] = source.randint(0, 4)
    if source.random() < .4:
        schema["maxItems"] = schema.get("minItems", 0) + source.choice([0, 1, 3])
    return schema


def any_schema(source, depth):
    kind = source.randrange(15 if depth > 0 else 8)
    if kind < 2:
        return string(source)
    if kind < 4:
        return number_bounds(source, source.choice(["integer", "number"]))
    if kind == 4:
        return {"type": source.choice(["boolean", "null", ["string", "null"], ["integer", "boolean"]])}
    if kind == 5:
        return {"enum": source.sample(WORDS + [1, 2.5, None, True, [1], {"k": "v"}], source.randint(1, 5))}
    if kind == 6:
        return {"const": source.choice(WORDS + [0, -1.5, False, {"a": [None]}])}
    if kind == 7:
        return source.choice([True, {}, {"$ref": "#/$defs/tree"}, {"$ref": "#/$defs/short"}])
    if kind < 10:
        return record(source, depth)
    if kind < 12:
        return array(source, depth)
    if kind == 12:
        return {"anyOf": [any_schema(source, depth - 1) for _ in range(source.randint(1, 3))]}
    if kind == 13:
        return {"oneOf": [{"type": "object", "properties": {"kind": {"const": word}, "v": any_schema(source, depth - 1)},
                           "required": ["kind"]} for word in source.sample(["a", "b", "c"], 2)]}
    return {"allOf": [record(source, depth - 1), record(source, depth - 1)]}


def root_schema(source):
    schema = any_schema(source, 3)
    if not isinstance(schema, dict):
        schema = {}
    return {**schema, "$defs": {
        "short": {"type": "string", "maxLength": 3},
        "tree": {"type": "object", "properties": {"value": {"type": "integer"},
                                                  "children": {"type": "array", "items": {"$ref": "#/$defs/tree"},
                                                               "maxItems": 2}}, "required": ["value"]}}}


def checker():
    formats = jsonschema.FormatChecker()

    @formats.checks("date-time", raises=ValueError)
    def is_time(text):
        return bool(datetime.datetime.fromisoformat(text).tzinfo)

    @formats.checks("time", raises=ValueError)
    def is_clock(text):
        return bool(datetime.time.fromisoformat(text))

    return formats


def validate(schema, text, formats):
    jsonschema.validate(json.loads(text), schema, jsonschema.Draft202012Validator, format_checker=formats)


class Program:
    def __init__(self, path, models):
        self.process = subprocess.Popen([path, models], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def main():
    program = Program(sys.argv[1], sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    replies = int(sys.argv[4]) if len(sys.argv) > 4 else 12
    formats, source = checker(), random.Random(20261128)
    faults, refused, valid, whole, cut = [], {}, 0, 0, 0

    def check(schema, text):
        try:
            validate(schema, text, formats)
            return True
        except (ValueError, jsonschema.ValidationError) as error:
            faults.append(f"{json.dumps(schema)}\n  allows {text!r}\n  {str(error).splitlines()[0]}")
            return False

    for number in range(count):
        schema = root_schema(source)
        answer = program.ask(schema=schema)
        if "error" in answer:
            refused[answer["error"].rpartition(": ")[2][:60]] = refused.get(answer["error"].rpartition(": ")[2][:60], 0) + 1
            continue
        for sentence in sentences.sentences(answer["grammar"], number, 25):
            valid += check(schema, sentence)
        if whole + cut < replies and len(answer["grammar"]) < 6000:
            reply = program.ask(schema=schema, seed=number, temperature=source.choice([0.7, 1.5, 3.0]), tokens=160)
            if "error" in reply:
                faults.append(f"{json.dumps(schema)}\n  {reply['error']}")
            elif reply["whole"]:
                whole += check(schema, reply["text"])
            else:
                cut += 1
    print(f"{count} schemas, {sum(refused.values())} refused; {valid} sentences of their grammars are valid; "
          f"{whole} whole replies of the model are valid, {cut} were cut by max_tokens")
    for reason, times in sorted(refused.items(), key=lambda item: -item[1]):
        print(f"  refused {times} times: {reason}")
    print("\n".join(faults[:12]))
    sys.exit(1 if faults or valid < 10 * count or whole < replies // 3 else 0)


if __name__ == "__main__":
    main()
