"""What reasons cost: one request with and without them, on a trained model.

    python benchmarks/why.py MODEL USER...

prints milliseconds for ten items, after a first answer that compiles: the median of 9, the least.
"""

import argparse
import time

import numpy as np

import ysmean as ym


def milliseconds(call, times=9):
    call()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return np.median(taken), min(taken)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("users", nargs="+")
    asked = parser.parse_args()
    recommender = ym.Recommender.load(asked.model)
    print(f"{len(recommender.parts.catalogue):,} items, {', '.join(recommender.parts.networks)}")
    for user in asked.users:
        for why in (False, True):

            def answer(user=user, why=why):
                return recommender.recommend(user, k=10, why=why)

            median, least = milliseconds(answer)
            print(f"{user}, why={why}: {median:.0f} ms, at least {least:.0f}")


if __name__ == "__main__":
    main()
