"""Random sentences of a GBNF grammar, as far as Slipway writes it."""
import random

ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Parser:
    def __init__(self, text):
        self.text, self.at = text, 0

    def escape(self):
        self.at += 1
        c = self.text[self.at]
        self.at += 1
        if c in "xuU":
            size = {"x": 2, "u": 4, "U": 8}[c]
            self.at += size
            return chr(int(self.text[self.at - size:self.at], 16))
        return ESCAPES.get(c, c)

    def character(self):
        if self.text[self.at] == "\\":
            return self.escape()
        self.at += 1
        return self.text[self.at - 1]

    def space(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def alternatives(self):
        choices = [self.sequence()]
        while self.at < len(self.text) and self.text[self.at] == "|":
            self.at += 1
            choices.append(self.sequence())
        return ("or", choices)

    def sequence(self):
        items = []
        while True:
            self.space()
            if self.at >= len(self.text) or self.text[self.at] in "|)":
                return ("all", items)
            items.append(self.repetition(self.item()))

    def item(self):
        c = self.text[self.at]
        if c == '"':
            self.at += 1
            literal = ""
            while self.text[self.at] != '"':
                literal += self.character()
            self.at += 1
            return ("text", literal)
        if c == "[":
            self.at += 1
            ranges = []
            while self.text[self.at] != "]":
                first = self.character()
                last = first
                if self.text[self.at] == "-" and self.text[self.at + 1] != "]":
                    self.at += 1
                    last = self.character()
                ranges.append((ord(first), ord(last)))
            self.at += 1
            return ("one", ranges)
        if c == "(":
            self.at += 1
            inner = self.alternatives()
            assert self.text[self.at] == ")", self.text[self.at:]
            self.at += 1
            return inner
        begin = self.at
        while self.at < len(self.text) and self.text[self.at].isalnum():
            self.at += 1
        assert self.at > begin, self.text[self.at:]
        return ("rule", self.text[begin:self.at])

    def repetition(self, item):
        c = self.text[self.at:self.at + 1]
        if c and c in "*+?":
            self.at += 1
            return ("times", item, 1 if c == "+" else 0, 1 if c == "?" else None)
        if c == "{":
            end = self.text.index("}", self.at)
            least, comma, most = self.text[self.at + 1:end].partition(",")
            self.at = end + 1
            return ("times", item, int(least), int(most) if most else None if comma else int(least))
        return item


class Grammar:
    def __init__(self, text):
        self.rules = {}
        for line in text.splitlines():
            name, _, body = line.partition(" ::= ")
            parser = Parser(body)
            self.rules[name] = parser.alternatives()
            assert parser.at == len(body), (name, body[parser.at:])
        self.least = {name: 10 ** 9 for name in self.rules}
        changed = True
        while changed:
            changed = False
            for name, body in self.rules.items():
                depth = 1 + self.depth(body)
                if depth < self.least[name]:
                    self.least[name], changed = depth, True

    def depth(self, node):
        kind = node[0]
        if kind == "or":
            return min(self.depth(choice) for choice in node[1])
        if kind == "all":
            return max((self.depth(item) for item in node[1]), default=0)
        if kind == "times":
            return self.depth(node[1]) if node[2] else 0
        return self.least[node[1]] if kind == "rule" else 0

    def sentence(self, source, room=24):
        return self.say(("rule", "root"), source, room)

    def say(self, node, source, room):
        kind = node[0]
        if kind == "text":
            return node[1]
        if kind == "one":
            first, last = source.choice(node[1])
            # Both ends are where mistakes are.
            return chr(source.choice([first, last, source.randint(first, last)]))
        if kind == "rule":
            return self.say(self.rules[node[1]], source, room - 1)
        if kind == "or":
            least = min(self.depth(choice) for choice in node[1])
            choices = [choice for choice in node[1] if self.depth(choice) <= max(least, room)]
            return self.say(source.choice(choices), source, room)
        if kind == "all":
            return "".join(self.say(item, source, room) for item in node[1])
        _, item, least, most = node
        if most is None:
            most = least + (4 if room > self.depth(item) else 0)
        elif room <= self.depth(item):
            most = least
        times = source.choice([least, most, source.randint(least, most)])
        return "".join(self.say(item, source, room) for _ in range(times))


def sentences(text, seed, count):
    grammar, source = Grammar(text), random.Random(seed)
    return [grammar.sentence(source) for _ in range(count)]
