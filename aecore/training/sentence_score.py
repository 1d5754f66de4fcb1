"""The figures of a sentence autoencoder on held-out sentences, each beside its control or baselines."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from scipy import sparse

from aecore.analysis.similarity import LatentWords, WordMeans, chance_agreement, cosine, separation, topic_agreement
from aecore.datasets.text.cache import as_bytes
from aecore.datasets.text.corpus import Corpus
from aecore.datasets.text.prepared import Text
from aecore.messages.jobs import ENCODE, RECONSTRUCT
from aecore.models import build
from aecore.models.sentence import SentenceAutoencoder
from aecore.schema.sentence import Sentence
from aecore.training.predictor import Predictor

PAIRS = 500  # sentences whose similarity is measured, as in the textbook
PAIRS_SEED = 50_000
MAX_SENTENCES = 10_000  # held-out sentences whose words are counted, and among which neighbours are looked for
QUERIES = 2_000  # sentences whose nearest neighbour is looked at
TOPICS = 9  # that have a colour of their own; the others share one
MAPPED = 2_000
_ROWS = 500


class SentenceScorer:
    """Measures a model on a corpus.

    Args:
        text: the corpus.
        hyper: what is minimised.

    Attributes:
        found: what the last scorecard was made from: "similarity" float32 [500] each of `own` (the textbook's measure:
            a sentence's code against that of its reconstruction), `random` (two sentences of different documents),
            `document` (two of the same one, where there are any), `untrained` and `untrained_random` (the first two,
            of the same sentences and reconstructions, with an encoder that was not trained); "baselines", see
            `aecore.analysis.similarity.LatentWords`; "map": `codes`, `labels`, `indices` and `names` of 2,000 held-out
            sentences.
    """

    def __init__(self, text: Text, hyper: Sentence):
        self._text, self._hyper = text, hyper
        self.found: dict[str, dict[str, np.ndarray]] = {}

    def language(self) -> dict[str, np.ndarray]:
        """What it takes to turn a sentence into what the model reads: `words`, `table`, `known`, and topics' names."""
        vectors = self._text.vectors
        return {
            "words": self._text.vocabulary.pack(),
            "table": vectors.table.astype(np.float16),
            "known": vectors.known,
            "topics": as_bytes(topic_labels(self._text.corpus, self._text.test[:1])[1]),
        }

    def baseline_loss(self, model: SentenceAutoencoder) -> float:
        """Held-out loss of the best answer that is always the same.

        That is the mean vector of the training words; scored on words, their frequencies, whose cross-entropy is exact.
        """
        ids = self._text.ids[self._text.train]
        frequency = np.bincount(ids.ravel(), minlength=self._hyper.vocabulary).astype(np.float64)
        if self._hyper.objective == "words":
            frequency[0] = len(ids)  # each sentence ends once
            surprise = -np.log((frequency + 1) / (frequency.sum() + len(frequency)))
            ids = self._text.ids[self._text.test[:MAX_SENTENCES]]
            words = (ids > 0).sum(axis=1)
            ends = (words < ids.shape[1]) * surprise[0]
            return float(((surprise[ids] * (ids > 0)).sum(axis=1) + ends).sum() / (words + (ends > 0)).sum())
        if self._hyper.masked:
            frequency[0] = 0
        mean = tf.constant((frequency @ np.asarray(model.table) / frequency.sum()).astype(np.float32))
        return self._mean_loss(model, lambda ids: tf.broadcast_to(mean, [*tf.unstack(tf.shape(ids)), len(mean)]))

    def score(self, model: SentenceAutoencoder, stage: Callable[[str], None]) -> Mapping[str, float | None]:
        """Measures the model, its controls and the baselines.

        Returns:
            `held_out_loss`, and beside it `mean_vector_loss` of always answering with the mean vector, or, scored on
            words, `frequency_loss` of always answering with the words' frequencies.
            `word_accuracy`: share of held-out words that come back, at their place; `frequent_word_accuracy`: of
            answering with the most frequent word. `cosine_mean`: the textbook's measure, mean cosine of a sentence's
            code with that of its reconstruction; `cosine_control_mean`: of two random sentences;
            `cosine_document_mean`: of two sentences of one document; `cosine_untrained_mean`: the measure with an
            untrained encoder. `separation_auc`: how well the measure tells reconstructions from random pairs (area
            under the ROC curve); `untrained_auc`: the same untrained. `topic_agreement`: how often the nearest held-out
            sentence of another document shares a topic; `mean_vectors_topic_agreement`, `tfidf_topic_agreement` and
            `chance_topic_agreement`: the same for baselines. `vectors_covered`: share of tokens with a word vector.
        """
        text = self._text
        stage("reconstructions")
        predict = Predictor(model)
        held = text.ids[text.test[:MAX_SENTENCES]]
        metrics: dict[str, float | None] = {
            "held_out_loss": self._mean_loss(model, lambda ids: _written(model, ids)),
            "frequency_loss" if self._hyper.objective == "words" else "mean_vector_loss": self.baseline_loss(model),
            "vectors_covered": text.vectors.covered,
            **self._words(predict, held),
        }
        stage("similarities")
        metrics |= self._similarities(predict, stage)
        stage("neighbours")
        return metrics | self._topics(predict)

    def _mean_loss(self, model: SentenceAutoencoder, write: Callable[[tf.Tensor], tf.Tensor]) -> float:
        """Mean loss of the held-out sentences where their vectors are written like this."""
        ids = self._text.ids[self._text.test[:MAX_SENTENCES]].astype(np.int32)

        @tf.function(reduce_retracing=True)
        def errors(part: tf.Tensor) -> tf.Tensor:
            return model.errors(part, write(part), None)

        found = [errors(tf.constant(ids[k : k + _ROWS])).numpy() for k in range(0, len(ids), _ROWS)]
        return float(np.concatenate(found).mean(dtype=np.float64))

    def _words(self, predict: Predictor, ids: np.ndarray) -> dict[str, float]:
        """How many of the words that are told apart come back."""
        spelt = predict(RECONSTRUCT, ids=_whole(ids))["words"]
        known = ids > 1
        usual = np.bincount(ids[known]).argmax()
        return {
            "word_accuracy": float((spelt == ids)[known].mean()),
            "frequent_word_accuracy": float((ids[known] == usual).mean()),
        }

    def _similarities(self, predict: Predictor, stage: Callable[[str], None]) -> dict[str, float]:
        text, rng = self._text, np.random.default_rng(PAIRS_SEED)
        chosen = text.test[rng.permutation(len(text.test))[:PAIRS]]
        partner = self._other_document(chosen, rng)
        first, second = self._same_document(rng)
        own = predict(RECONSTRUCT, ids=_whole(text.ids[chosen]))
        similarity = {
            "own": cosine(own["codes"], own["codes_again"]),
            "random": cosine(own["codes"], predict(ENCODE, ids=_whole(text.ids[partner]))["codes"]),
        }
        if len(first):
            codes = [predict(ENCODE, ids=_whole(text.ids[side]))["codes"] for side in (first, second)]
            similarity["document"] = cosine(*codes)
        stage("an untrained encoder")
        untrained = build(self._hyper, ())
        assert isinstance(untrained, SentenceAutoencoder)
        assert isinstance(predict.model, SentenceAutoencoder)
        untrained.table.assign(predict.model.table)
        model = predict.model

        @tf.function
        def reread(ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return untrained.encode(ids), model.again(ids, untrained)

        ids = tf.constant(_whole(text.ids[chosen]))
        blank, blank_again = (codes.numpy() for codes in reread(ids))
        similarity["untrained"] = cosine(blank, blank_again)
        other = Predictor(untrained)(ENCODE, ids=_whole(text.ids[partner]))["codes"]
        similarity["untrained_random"] = cosine(blank, other)
        self.found["similarity"] = similarity
        names = {"own": "cosine_mean", "random": "cosine_control_mean", "document": "cosine_document_mean",
                 "untrained": "cosine_untrained_mean"}  # fmt: skip
        return {
            **{names[what]: float(cosines.mean()) for what, cosines in similarity.items() if what in names},
            "separation_auc": separation(similarity["own"], similarity["random"]),
            "untrained_auc": separation(similarity["untrained"], similarity["untrained_random"]),
        }

    def _other_document(self, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """For each sentence another held-out one at random, of another document where there are several."""
        documents, test = self._text.corpus.documents, self._text.test
        partner = test[rng.integers(len(test), size=len(chosen))]
        for _ in range(20):
            same = documents[partner] == documents[chosen]
            partner[same] = test[rng.integers(len(test), size=int(same.sum()))]
        return partner

    def _same_document(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Up to 500 pairs of different held-out sentences of one document each."""
        test, documents = self._text.test, self._text.corpus.documents
        order = test[np.argsort(documents[test], kind="stable")]
        pairs = np.flatnonzero(documents[order[1:]] == documents[order[:-1]])
        pairs = pairs[rng.permutation(len(pairs))[:PAIRS]]
        return order[pairs], order[pairs + 1]

    def _topics(self, predict: Predictor) -> dict[str, float]:
        text, corpus = self._text, self._text.corpus
        means = WordMeans(text.vectors.table)
        latent = LatentWords.fit(text.ids[text.train], len(text.vocabulary), self._hyper.code_units)
        self.found["baselines"] = {"idf": latent.idf, "components": latent.components.astype(np.float16)}
        mapped = text.test[:MAPPED]
        labels, names = topic_labels(corpus, mapped)
        self.found["map"] = {
            "codes": predict(ENCODE, ids=_whole(text.ids[mapped]))["codes"].astype(np.float16),
            "labels": labels,
            "indices": mapped.astype(np.int32),
            "names": as_bytes(names),
        }
        topical = topics_matrix(corpus, text.test)
        with_topic = np.flatnonzero(np.asarray(topical.sum(axis=1)).ravel())[:MAX_SENTENCES]
        if len(with_topic) < 2 or len(np.unique(corpus.documents[text.test[with_topic]])) < 2:
            return {}
        rows, topics = text.test[with_topic], topical[with_topic]
        ids, documents = text.ids[rows], corpus.documents[rows]
        codes = {
            "topic_agreement": predict(ENCODE, ids=_whole(ids))["codes"],
            "mean_vectors_topic_agreement": means.encode(ids),
            "tfidf_topic_agreement": latent.encode(ids),
        }
        found = {name: topic_agreement(code, documents, topics, QUERIES) for name, code in codes.items()}
        return found | {"chance_topic_agreement": chance_agreement(documents, topics)}


def topics_matrix(corpus: Corpus, rows: np.ndarray) -> sparse.csr_matrix:
    """Topics of sentences, float32 [n, topics], 1 where one has it."""
    documents = corpus.documents[rows]
    starts, ends = corpus.topic_starts[documents], corpus.topic_starts[documents + 1]
    columns = [corpus.topic_ids[a:b] for a, b in zip(starts, ends, strict=True)]
    joined = np.concatenate([np.zeros(0, np.int64), *columns]).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(ends - starts)])
    return sparse.csr_matrix((np.ones(len(joined), np.float32), joined, indptr), (len(rows), len(corpus.topic_names)))


def topic_labels(corpus: Corpus, rows: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """One of the corpus's most frequent topics for each sentence, uint8 [n], and their names; the last is any other."""
    everywhere = topics_matrix(corpus, np.arange(len(corpus)))
    usual = np.argsort(-np.asarray(everywhere.sum(axis=0)).ravel(), kind="stable")[:TOPICS]
    here = topics_matrix(corpus, rows)[:, usual].toarray()
    labels = np.where(here.any(axis=1), here.argmax(axis=1), len(usual)) if len(usual) else np.zeros(len(rows))
    return labels.astype(np.uint8), [*(corpus.topic_names[k] for k in usual), "other or none"]


def _written(model: SentenceAutoencoder, ids: tf.Tensor) -> tf.Tensor:
    return model.write(model.encode(ids), tf.shape(ids)[1])


def _whole(ids: np.ndarray) -> np.ndarray:
    return ids.astype(np.int32)
