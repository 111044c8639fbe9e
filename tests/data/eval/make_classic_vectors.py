#!/usr/bin/env python3
"""Makes classic_vectors.json with scikit-learn and fairlearn: run it in an environment that has them."""
import json
import pathlib
import random

import fairlearn
import sklearn
from fairlearn import metrics as fair
from sklearn import metrics


def averages(labels, predictions):
    values = {"accuracy": metrics.accuracy_score(labels, predictions)}
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = metrics.precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)
        values.update({f"precision_{average}": p, f"recall_{average}": r, f"f1_{average}": f})
    return values


def binary(name, rows, seed, tied):
    chance = random.Random(seed)
    labels, predictions, scores, groups = [], [], [], []
    for _ in range(rows):
        group = chance.choice(["north", "south", "west"])
        label = int(chance.random() < {"north": .5, "south": .3, "west": .7}[group])
        score = min(1, max(0, chance.gauss(.35 + .3 * label, .25)))
        score = round(score, 1 if tied else 6)
        labels.append(label)
        scores.append(score)
        groups.append(group)
        predictions.append(int(score >= .5))
    p, r, f, _ = metrics.precision_recall_fscore_support(labels, predictions, average="binary")
    values = {**averages(labels, predictions), "precision": p, "recall": r, "f1": f,
              "roc_auc": metrics.roc_auc_score(labels, scores),
              "pr_auc": metrics.average_precision_score(labels, scores),
              "log_loss": metrics.log_loss(labels, scores),
              "brier_score": metrics.brier_score_loss(labels, scores)}
    of = {"sensitive_features": groups}
    fairness = {"demographic_parity_difference": fair.demographic_parity_difference(labels, predictions, **of),
                "demographic_parity_ratio": fair.demographic_parity_ratio(labels, predictions, **of),
                "equalized_odds_difference": fair.equalized_odds_difference(labels, predictions, **of),
                "equalized_odds_ratio": fair.equalized_odds_ratio(labels, predictions, **of),
                "equal_opportunity_difference": fair.equal_opportunity_difference(labels, predictions, **of)}
    frame = fair.MetricFrame(metrics={"accuracy": metrics.accuracy_score, "selection_rate": fair.selection_rate,
                                      "true_positive_rate": fair.true_positive_rate,
                                      "false_positive_rate": fair.false_positive_rate},
                             y_true=labels, y_pred=predictions, **of)
    by_group = {group: {key: float(value) for key, value in row.items()}
                for group, row in frame.by_group.to_dict("index").items()}
    return {"id": name, "labels": labels, "predictions": predictions, "scores": scores, "groups": groups,
            "metrics": values, "fairness": fairness, "by_group": by_group}


def several(name, rows, seed):
    chance = random.Random(seed)
    names = ["boat", "buoy", "crane", "dock", "tide"]
    labels = [chance.choice(names[:4]) for _ in range(rows)]
    predictions = [label if chance.random() < .6 else chance.choice(names[1:]) for label in labels]
    return {"id": name, "labels": labels, "predictions": predictions, "metrics": averages(labels, predictions)}


def numbers(name, rows, seed):
    chance = random.Random(seed)
    labels = [round(chance.gauss(50, 12), 3) for _ in range(rows)]
    predictions = [round(label + chance.gauss(1, 5), 3) for label in labels]
    return {"id": name, "labels": labels, "predictions": predictions, "metrics": {
        "mean_absolute_error": metrics.mean_absolute_error(labels, predictions),
        "mean_squared_error": metrics.mean_squared_error(labels, predictions),
        "root_mean_squared_error": metrics.root_mean_squared_error(labels, predictions),
        "r2": metrics.r2_score(labels, predictions),
        "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(labels, predictions)}}


def main():
    cases = [binary("binary-0", 60, 1, False), binary("binary-1", 90, 2, True), binary("binary-2", 70, 3, False),
             several("several-0", 50, 4), several("several-1", 30, 5),
             numbers("numbers-0", 40, 6), numbers("numbers-1", 25, 7)]
    source = {"scikit-learn": sklearn.__version__, "fairlearn": fairlearn.__version__}
    lines = ",\n".join(json.dumps(case, default=float) for case in cases)
    text = f'{{"format": "slipway-classic-vectors/1", "source": {json.dumps(source)}, "cases": [\n{lines}\n]}}\n'
    pathlib.Path(__file__).with_name("classic_vectors.json").write_text(text)


if __name__ == "__main__":
    main()
