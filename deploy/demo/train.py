"""A training job: fits a classifier on the breast-cancer data set and registers it.

    MUNIMENT_TARGET=127.0.0.1:7460 MUNIMENT_TOKEN=mun_… python train.py BreastCancerScreen tree

Copy it and replace the middle. What matters to the registry is the one call of ``registry.push``: it stores
the directory and records metrics, parameters and data with it; the code's commit and the environment it
finds out by itself.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import joblib
import muniment
import sklearn
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

HOLDOUT, SEED = 0.3, 7
CLASSIFIERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "tree": (DecisionTreeClassifier, {"max_depth": 3, "random_state": SEED}),
    "logistic": (LogisticRegression, {"C": 0.3, "max_iter": 1000}),
}


def split() -> tuple[Any, Any, Any, Any]:
    """Rows to train on, rows held out, and the labels of both; always the same split."""
    data = load_breast_cancer()
    labels = data.target_names[data.target]
    return tuple(train_test_split(data.data, labels, test_size=HOLDOUT, random_state=SEED, stratify=labels))


def data_set() -> muniment.Dataset:
    """The data set by the digest of its file."""
    content = resources.files("sklearn.datasets.data").joinpath("breast_cancer.csv").read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return muniment.Dataset(
        "breast-cancer-wisconsin", version=f"scikit-learn {sklearn.__version__}", digest=digest
    )


def main(name: str, kind: str) -> None:
    """Train one classifier and push it."""
    train_rows, held_out, train_labels, held_out_labels = split()
    classifier, params = CLASSIFIERS[kind]
    model = make_pipeline(StandardScaler(), classifier(**params)).fit(train_rows, train_labels)

    predicted = model.predict(held_out)
    metrics = {
        "accuracy": float(accuracy_score(held_out_labels, predicted)),
        "f1": float(f1_score(held_out_labels, predicted, pos_label="malignant")),
    }
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(model, Path(folder) / "model.joblib")
        # Rows and what the model says of them now: a deployer checks it still says so before it serves it.
        example = {"rows": held_out[:3].tolist(), "predictions": model.predict(held_out[:3]).tolist()}
        (Path(folder) / "self_test.json").write_text(json.dumps(example))
        with muniment.connect() as registry:
            version = registry.push(
                name,
                folder,
                metrics=metrics,
                params={"classifier": classifier.__name__, "holdout": HOLDOUT, "seed": SEED, **params},
                datasets=[data_set()],
                tags={"team": "screening"},
                description=f"{classifier.__name__} on standardised features",
            )
    scores = "  ".join(f"{key} {value:.3f}" for key, value in metrics.items())
    print(f"{name}@{version.number}  {scores}  {version.digest[:19]}…")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in CLASSIFIERS:
        sys.exit(f"usage: train.py MODEL {'|'.join(CLASSIFIERS)}")
    main(sys.argv[1], sys.argv[2])
