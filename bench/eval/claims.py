"""Claims about long documents, made from their sentences by rule, so that nobody has to label them.

    python bench/eval/claims.py CORPORA OUT.jsonl

CORPORA holds state_of_the_union.md, wikitexts.md and pubmed.md. Supported: a sentence copied, cut, paraphrased by rule, or
joined with another one. Not supported: a number, a name or a negation changed, the subject of one sentence with the rest of
another, a sentence of another part of the text, a sentence that goes on with what the document does not say.
"""
import json
import pathlib
import random
import re
import sys

SOURCES = (("wikitexts", 160), ("state_of_the_union", 50), ("pubmed", 160))
SYNONYMS = """begin start;began started;large big;small little;said stated;says states;show demonstrate;showed demonstrated;use employ;
used employed;help assist;build construct;built constructed;people individuals;many numerous;about approximately;important significant;
make produce;made produced;found discovered;increase rise;increased rose;decrease fall;buy purchase;get obtain;end finish;ended finished;
near close;because since;children kids;war conflict;job position;country nation;countries nations;company firm;companies firms;money funds;
quickly rapidly;hard difficult;wrote authored;released issued;several some;major main;city town;area region;areas regions;house home;
car vehicle;film movie;died passed;doctor physician;attack assault;protect defend;need require;needed required;allow permit;create form;
described characterized;reported noted;study investigation;different distinct;similar alike;amount quantity;result outcome;method technique;
high elevated;low reduced;first initial;entire whole;believe think;want wish;give provide;gave provided;keep retain;lower reduce;
sent dispatched;left departed;although though;during throughout""".replace("\n", "").split(";")
WORDS = {a: b for pair in SYNONYMS for a, b in (pair.split(), pair.split()[::-1])}
NAME = re.compile(r"(?<=[a-z,] )([A-Z][a-z]+(?: [A-Z][a-z]+)*)")
NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
AUXILIARY = re.compile(r"\b(is|was|are|were|has|had|have|will|can|could|would|should|did|does)\b(?! not)")


def sentences(path):
    text = path.read_text(encoding="utf-8")
    if path.stem == "wikitexts":
        for mark, plain in ((" @-@ ", "-"), (" @,@ ", ","), (" @.@ ", "."), ("<unk>", "Marlow")):
            text = text.replace(mark, plain)
        text = re.sub(r"\( ", "(", re.sub(r" ([.,;:')])", r"\1", text))
    shortest = {"wikitexts": 200, "pubmed": 300}.get(path.stem, 20)
    paragraphs = [line for line in text.split("\n") if len(line) > shortest]
    found = [s.strip() for p in paragraphs for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"“])", p)]
    return [s for s in found if 6 <= len(s.split()) <= 45]


def capital(text):
    return text[:1].upper() + text[1:]


def paraphrased(sentence, rng):
    words = []
    for word in sentence.split():
        core = word.strip(".,;:()\"“”")
        if core.lower() in WORDS and rng.random() < 0.8:
            other = WORDS[core.lower()]
            word = word.replace(core, capital(other) if core[:1].isupper() else other)
        elif re.fullmatch(r"\w+ly", core.lower()) and rng.random() < 0.6:
            continue
        words.append(word)
    text = " ".join(words)
    ahead = re.match(r"^((?:In|On|At|After|Before|During|By|For|With|While|When|As) [^,]{5,60}), (.+?)([.!?])$", text)
    if ahead and rng.random() < 0.8:
        text = capital(ahead[2]) + " " + ahead[1][0].lower() + ahead[1][1:] + ahead[3]
    return text


def cut(sentence, rng):
    text = re.sub(r" \([^)]*\)", "", sentence)
    text = re.sub(r", (which|who|whose|where|including|such as|and|but|with|although|while) [^,.]*(?=[.,])", "", text)
    rest = re.match(r"^[^,]{5,60}, ([a-z].+)$", text)
    if rest and len(rest[1].split()) > 5 and rng.random() < 0.6:
        text = capital(rest[1])
    return text if len(text.split()) >= 5 else sentence


def with_other_number(sentence, document, rng):
    places = list(NUMBER.finditer(sentence))
    if not places:
        return None
    place = rng.choice(places)
    others = [n for s in document for n in NUMBER.findall(s) if n != place[0]]
    number = rng.choice(others) if others and rng.random() < 0.5 else str(int(re.sub(r"\D", "", place[0])) + rng.choice([1, 2, 3, 7, 10, 15]))
    return None if number == place[0] else sentence[:place.start()] + number + sentence[place.end():]


def with_other_name(sentence, document, rng):
    places = list(NAME.finditer(sentence))
    others = [n for s in document for n in NAME.findall(s) if n not in sentence]
    if not places or not others:
        return None
    place = rng.choice(places)
    return sentence[:place.start()] + rng.choice(others) + sentence[place.end():]


def negated(sentence):
    if re.search(r"\b(not|never|no)\b|n't", sentence):
        text = re.sub(r"\b(not|never) ", "", sentence, count=1)
        return text if text != sentence else None
    place = AUXILIARY.search(sentence)
    return sentence[:place.end()] + " not" + sentence[place.end():] if place else None


def halves(sentence):
    for place in [m for m in [AUXILIARY.search(sentence)] if m] + list(re.finditer(r"\b\w{3,}ed\b", sentence)):
        subject, rest = sentence[:place.start()].strip(), sentence[place.start():]
        if 2 <= len(subject.split()) <= 14 and len(rest.split()) >= 4:
            return subject, rest
    return None


def claims_of(document, far, rng):
    """(kind, label, claim) of one document; `far` are sentences of elsewhere in the same text."""
    here = rng.randrange(len(document))
    one = document[here]
    other = document[rng.choice([i for i in range(len(document)) if abs(i - here) >= min(4, len(document) // 2)])]
    outside = rng.choice(far)
    short, short_other = cut(one, rng), cut(other, rng)
    yield "copy", 1, one
    yield "cut", 1, short
    yield "paraphrase", 1, paraphrased(short_other, rng)
    yield "paraphrase", 1, paraphrased(one, rng)
    yield "join", 1, short[:-1] + " and " + short_other[0].lower() + short_other[1:]
    yield "number", 0, with_other_number(rng.choice([one, short]), document, rng)
    yield "name", 0, with_other_name(rng.choice([one, short]), document, rng)
    yield "negation", 0, negated(short)
    yield "outside", 0, outside
    yield "outside", 0, paraphrased(cut(rng.choice(far), rng), rng)
    yield "extended", 0, short[:-1] + ", " + " ".join(cut(outside, rng).split()[-8:])
    first, second, third = halves(one), halves(other), halves(outside)
    if first and second:
        yield "fused", 0, first[0] + " " + second[1]
    if first and third:
        yield "fused_outside", 0, first[0] + " " + third[1]


def make(corpora, seed=20):
    rng = random.Random(seed)
    items = []
    for source, documents in SOURCES:
        all_sentences = sentences(pathlib.Path(corpora) / f"{source}.md")
        for _ in range(documents):
            length = rng.choice([6, 10, 15, 20, 30, 40])
            start = rng.randrange(max(1, len(all_sentences) - length))
            document = all_sentences[start:start + length]
            far = all_sentences[max(0, start - 150):max(0, start - 3)] + all_sentences[start + length + 3:start + length + 150]
            for kind, label, claim in claims_of(document, far, rng):
                if claim and len(claim.split()) >= 4:
                    items.append({"kind": kind, "label": label, "answer": claim, "passages": [" ".join(document)],
                                  "source": f"{source} {start // 80}"})
    return items


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in make(sys.argv[1]))
