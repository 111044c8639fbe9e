"""Requests for scores, the same for Slipway and its peers: goldens, and what a judge said of each. Seeded."""
import json
import random

THINGS = ("anchor ballast berth buoy cargo chart crane crew deck dock engine gauge harbor hull keel manifest pallet pilot pump "
          "radar rope route rudder signal steel tide valve weather").split()
PLACES = "Bergen Durban Genoa Halifax Osaka Rotterdam Tromso Valparaiso".split()
DEEPEVAL = ["faithfulness", "answer_relevancy", "contextual_precision", "contextual_recall", "contextual_relevancy"]
RAGAS = ["faithfulness", "contextual_precision", "contextual_recall"]


class Maker:
    def __init__(self, seed):
        self.chance = random.Random(seed)

    def sentence(self):
        pick = self.chance.choice
        verb = pick(["holds", "moves", "needs", "checks"])
        return f"The {pick(THINGS)} of {pick(PLACES)} {verb} {self.chance.randint(2, 90)} {pick(THINGS)}s near the {pick(THINGS)}."

    def text(self, low, high):
        return " ".join(self.sentence() for _ in range(self.chance.randint(low, high)))

    def reply(self, value):
        text = json.dumps(value)
        return self.chance.choice([text, f"```json\n{text}\n```", f"Here is the JSON you asked for:\n{text}\nDone."])

    def statements(self):
        return [self.sentence() for _ in range(self.chance.randint(2, 6))]

    def verdicts(self, count, words):
        return self.reply({"verdicts": [{"verdict": self.chance.choice(words), "reason": "because"} for _ in range(count)]})

    def golden(self):
        passages = [self.text(1, 3) for _ in range(self.chance.randint(2, 5))]
        return {"input": f"What does the {self.chance.choice(THINGS)} of {self.chance.choice(PLACES)} do?",
                "actual_output": self.text(1, 4), "expected_output": self.text(1, 3),
                "retrieval_context": passages, "context": passages}

    def deepeval(self, name, golden):
        statements, passages = self.statements(), golden["retrieval_context"]
        lenient, strict = ["yes", "no", "borderline", "Yes."], ["yes", "no", "NO"]
        if name == "faithfulness":
            return {"truths": [self.reply({"truths": self.statements()})], "claims": [self.reply({"claims": statements})],
                    "verdicts": [self.verdicts(len(statements), lenient)]}
        if name == "answer_relevancy":
            return {"statements": [self.reply({"statements": statements})],
                    "verdicts": [self.verdicts(len(statements), lenient)]}
        if name == "contextual_precision":
            return {"verdicts": [self.verdicts(len(passages), strict)]}
        if name == "contextual_recall":
            return {"verdicts": [self.verdicts(self.chance.randint(1, 4), strict)]}
        return {"verdicts": [self.reply({"verdicts": [
            {"statement": self.sentence(), "verdict": self.chance.choice(strict), "reason": "because"}
            for _ in range(self.chance.randint(1, 4))]}) for _ in passages]}

    def ragas(self, name, golden):
        bit = lambda: self.chance.randint(0, 1)
        if name == "faithfulness":
            statements = self.statements()
            return {"statements": [self.reply({"statements": statements})],
                    "verdicts": [self.reply({"statements": [{"statement": each, "reason": "because", "verdict": bit()}
                                                            for each in statements]})]}
        if name == "contextual_precision":
            return {"verdicts": [self.reply({"reason": "because", "verdict": bit()}) for _ in golden["retrieval_context"]]}
        return {"classifications": [self.reply({"classifications": [
            {"statement": each, "reason": "because", "attributed": bit()} for each in self.statements()]})]}


def write(path, mode, cases, seed):
    """One line a case and metric, as `slipway eval score` reads them."""
    maker = Maker(seed)
    names = DEEPEVAL if mode == "deepeval" else RAGAS
    with open(path, "w") as file:
        for number in range(cases):
            golden = maker.golden()
            for name in names:
                replies = maker.deepeval(name, golden) if mode == "deepeval" else maker.ragas(name, golden)
                line = {"id": f"{number}.{name}", "metric": {"name": name, "mode": mode}, "case": golden, "replies": replies}
                file.write(json.dumps(line) + "\n")
    return len(names)


def write_goldens(path, cases, seed):
    """Goldens with an answer, for a suite that asks nobody."""
    maker = Maker(seed)
    with open(path, "w") as file:
        for number in range(cases):
            file.write(json.dumps({"id": f"g{number}", **maker.golden()}) + "\n")
