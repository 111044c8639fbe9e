"""Scores requests with the real deepeval or ragas, and a judge that says at once what is written down.

    python peer.py deepeval|ragas REQUESTS.jsonl SCORES.jsonl
"""
import json
import os
import sys

os.environ.update(DEEPEVAL_TELEMETRY_OPT_OUT="YES", DEEPEVAL_UPDATE_WARNING_OPT_OUT="YES", RAGAS_DO_NOT_TRACK="true")


def requests_of(path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)


def deepeval_scores(path):
    from deepeval import metrics
    from deepeval.models import DeepEvalBaseLLM
    from deepeval.test_case import LLMTestCase

    class Judge(DeepEvalBaseLLM):
        """Replies in the order in which the metrics ask."""

        def __init__(self):
            self.replies = iter(())

        def load_model(self):
            return self

        def get_model_name(self):
            return "written down"

        def generate(self, *_arguments, **_options):
            return next(self.replies)

        async def a_generate(self, *_arguments, **_options):
            return next(self.replies)

    classes = {"faithfulness": (metrics.FaithfulnessMetric, ("truths", "claims", "verdicts")),
               "answer_relevancy": (metrics.AnswerRelevancyMetric, ("statements", "verdicts")),
               "contextual_precision": (metrics.ContextualPrecisionMetric, ("verdicts",)),
               "contextual_recall": (metrics.ContextualRecallMetric, ("verdicts",)),
               "contextual_relevancy": (metrics.ContextualRelevancyMetric, ("verdicts",))}
    judge = Judge()
    made = {name: kind(model=judge, include_reason=False, async_mode=False) for name, (kind, _) in classes.items()}
    for request in requests_of(path):
        name, case = request["metric"]["name"], request["case"]
        judge.replies = iter([reply for step in classes[name][1] for reply in request["replies"].get(step, [])])
        test = LLMTestCase(input=case["input"], actual_output=case["actual_output"], expected_output=case["expected_output"],
                           retrieval_context=case["retrieval_context"], context=case["context"])
        yield request["id"], made[name].measure(test, _show_indicator=False)


def ragas_scores(path):
    import asyncio

    from langchain_core.outputs import Generation, LLMResult
    from ragas import SingleTurnSample
    from ragas.llms.base import BaseRagasLLM
    from ragas.metrics import ContextPrecision, ContextRecall, Faithfulness

    class Judge(BaseRagasLLM):
        def generate_text(self, prompt, n=1, temperature=0.01, stop=None, callbacks=None):
            return LLMResult(generations=[[Generation(text=next(self.replies))]])

        async def agenerate_text(self, prompt, n=1, temperature=0.01, stop=None, callbacks=None):
            return self.generate_text(prompt)

        def is_finished(self, response):
            return True

    judge = Judge()
    classes = {"faithfulness": (Faithfulness, ("statements", "verdicts")), "contextual_precision": (ContextPrecision, ("verdicts",)),
               "contextual_recall": (ContextRecall, ("classifications",))}
    made = {name: kind(llm=judge) for name, (kind, _) in classes.items()}

    async def score_all():
        scores = []
        for request in requests_of(path):
            name, case = request["metric"]["name"], request["case"]
            judge.replies = iter([reply for step in classes[name][1] for reply in request["replies"].get(step, [])])
            sample = SingleTurnSample(user_input=case["input"], response=case["actual_output"],
                                      reference=case["expected_output"], retrieved_contexts=case["retrieval_context"])
            scores.append((request["id"], await made[name].single_turn_ascore(sample)))
        return scores

    yield from asyncio.run(score_all())


def main():
    mode, requests, scores = sys.argv[1:]
    with open(scores, "w") as file:
        for name, score in (deepeval_scores if mode == "deepeval" else ragas_scores)(requests):
            file.write(json.dumps({"id": name, "score": float(score)}) + "\n")


if __name__ == "__main__":
    main()
