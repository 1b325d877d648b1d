"""Records golden values of agreement and aggregation. Run it only to make new ones; the tests need no Python.

    pip install krippendorff==0.9.0 scikit-learn==1.9.1 statsmodels==0.15.0 crowd-kit==1.4.2 scipy==1.17.1 numpy==2.4.6
    python test/golden/agreement.py        # into test/golden/data/agreement.json

Each case is a list of ratings [unit, annotator, value] and what the libraries make of them. Published examples:
Krippendorff 2011 (four observers, twelve units, missing values), Fleiss 1971 as tabulated for ten subjects and fourteen
raters, Cohen's two-by-two table, the patients of Dawid and Skene 1979 (Table 1; the first anaesthetist rated thrice).
"""

import json
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene, MajorityVote
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import proportion_confint

OUT = Path(__file__).parent / "data" / "agreement.json"
METRICS = ("nominal", "ordinal", "interval")
NA = None


def ratings_of(matrix):
    """Rows of annotators (None is missing) as ratings."""
    return [
        [f"u{u:04}", f"w{w:02}", value]
        for w, row in enumerate(matrix)
        for u, value in enumerate(row)
        if value is not None
    ]


def matrix_of(ratings):
    units = sorted({r[0] for r in ratings})
    annotators = sorted({r[1] for r in ratings})
    matrix = np.full((len(annotators), len(units)), np.nan)
    for unit, annotator, value in ratings:
        matrix[annotators.index(annotator), units.index(unit)] = value
    return matrix, annotators


def alphas(ratings):
    matrix, _ = matrix_of(ratings)
    return {m: float(krippendorff.alpha(reliability_data=matrix, level_of_measurement=m)) for m in METRICS}


def pairwise(ratings):
    """Cohen's kappa of every two annotators on the units that both rated."""
    matrix, annotators = matrix_of(ratings)
    labels = sorted(set(matrix[~np.isnan(matrix)]))
    rows = []
    for i, j in combinations(range(len(annotators)), 2):
        both = ~np.isnan(matrix[i]) & ~np.isnan(matrix[j])
        a, b = matrix[i, both], matrix[j, both]
        # A table over the categories of all annotators: weights count steps between those.
        index = {v: n for n, v in enumerate(labels)}
        a, b = [index[v] for v in a], [index[v] for v in b]
        table = np.zeros((len(labels), len(labels)))
        for x, y in zip(a, b):
            table[x, y] += 1
        kappa = {
            name: float(cohen_kappa_score(a, b, labels=range(len(labels)), weights=weights))
            for name, weights in (("none", None), ("linear", "linear"), ("quadratic", "quadratic"))
        }
        assert abs(cohens_kappa(table, return_results=False) - kappa["none"]) < 1e-12
        assert abs(cohens_kappa(table, wt="linear", return_results=False) - kappa["linear"]) < 1e-12
        rows.append(
            dict(
                annotators=[annotators[i], annotators[j]],
                units=int(both.sum()),
                observed=float(np.mean(np.array(a) == np.array(b))),
                kappa=kappa,
            )
        )
    return rows


def fleiss(ratings):
    matrix, _ = matrix_of(ratings)
    complete = matrix[:, ~np.isnan(matrix).any(axis=0)].T
    table, _ = aggregate_raters(complete.astype(int))
    return dict(units=len(complete), kappa=float(fleiss_kappa(table)))


def dawid_skene(ratings):
    """Run to the fixed point, so that stopping rules do not matter."""
    frame = pd.DataFrame(ratings, columns=["task", "worker", "label"])
    model = DawidSkene(n_iter=3000, tol=-1).fit(frame)
    classes = sorted(frame.label.unique())
    annotators = sorted(frame.worker.unique())
    posterior = model.probas_.sort_index()[classes]
    errors = {
        w: [[float(model.errors_.loc[(w, said)][true]) if (w, said) in model.errors_.index else 0.0 for said in classes]
            for true in classes]
        for w in annotators
    }
    votes = MajorityVote().fit_predict_proba(frame).sort_index()[classes]
    return dict(
        classes=[int(c) for c in classes],
        units=list(posterior.index),
        posterior=posterior.to_numpy().tolist(),
        priors=[float(model.priors_[c]) for c in classes],
        confusion=errors,
        votes=votes.to_numpy().tolist(),
    )


def simulated(seed, units, annotators, values, keep, noise):
    """Annotators with noise of their own around a true value, some of whose ratings are missing."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(values, units)
    ratings = []
    for w in range(annotators):
        spread = noise * (0.5 + w / annotators)
        for u in range(units):
            if rng.random() > keep:
                continue
            guess = truth[u] + rng.normal(0, spread)
            ratings.append([f"u{u:04}", f"w{w:02}", int(values[np.abs(np.array(values) - guess).argmin()])])
    return ratings


KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
    [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
]
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
COHEN = [[20, 5], [10, 15]]
# One string a patient: three ratings by the first anaesthetist, then one by each of the others.
PATIENTS = """
1111111 3334434 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
""".split()


def spread_out(table):
    """Ratings of one unit a row from the counts of its categories; which rater gave which does not matter to Fleiss."""
    return [
        [f"u{u:04}", f"w{w:02}", c]
        for u, row in enumerate(table)
        for w, c in enumerate(np.repeat(np.arange(len(row)), row).tolist())
    ]


def correlations():
    rng = np.random.default_rng(11)
    difference = rng.integers(-60, 60, 50)
    value = np.clip(np.round(difference / 40 + rng.normal(0, 1, 50)), -2, 2).astype(int)
    return dict(
        x=difference.tolist(),
        y=value.tolist(),
        spearman=float(spearmanr(difference, value).statistic),
        pearson=float(pearsonr(difference, value).statistic),
        wilson=[
            dict(count=c, n=n, interval=list(map(float, proportion_confint(c, n, method="wilson"))))
            for c, n in ((0, 20), (50, 100), (62, 100), (7, 7))
        ],
    )


def main():
    cases = {}
    krippendorff_2011 = ratings_of(KRIPPENDORFF)
    cases["krippendorff-2011"] = dict(ratings=krippendorff_2011, alpha=alphas(krippendorff_2011),
                                      pairs=pairwise(krippendorff_2011), fleiss=fleiss(krippendorff_2011))
    fleiss_1971 = spread_out(FLEISS)
    cases["fleiss-1971"] = dict(ratings=fleiss_1971, alpha=alphas(fleiss_1971), fleiss=fleiss(fleiss_1971))
    cohen = [
        [f"u{u:04}", w, v]
        for u, (a, b) in enumerate((i, j) for i in range(2) for j in range(2) for _ in range(COHEN[i][j]))
        for w, v in (("w00", a), ("w01", b))
    ]
    cases["cohen"] = dict(ratings=cohen, alpha=alphas(cohen), pairs=pairwise(cohen), fleiss=fleiss(cohen))
    patients = [
        [f"u{u:04}", f"w{max(0, i - 2):02}", int(v)] for u, row in enumerate(PATIENTS) for i, v in enumerate(row)
    ]
    cases["dawid-skene-1979"] = dict(ratings=patients, dawid_skene=dawid_skene(patients))
    for name, ratings in {
        "preferences": simulated(5, 60, 4, (-2, -1, 0, 1, 2), 0.8, 1.2),
        "complete": simulated(6, 40, 3, (-2, -1, 0, 1, 2), 1.0, 1.0),
        "two-classes": simulated(7, 50, 5, (0, 1), 0.7, 0.5),
    }.items():
        cases[name] = dict(ratings=ratings, alpha=alphas(ratings), pairs=pairwise(ratings),
                           fleiss=fleiss(ratings), dawid_skene=dawid_skene(ratings))
    cases = {name: {"ratings": case.pop("ratings"), **case} for name, case in cases.items()}
    OUT.write_text(json.dumps(dict(cases=cases, correlations=correlations())) + "\n")


if __name__ == "__main__":
    main()
