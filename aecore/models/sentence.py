"""The sentence autoencoder: a bidirectional encoder of word vectors, and a decoder that repeats the code."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from aecore.messages.jobs import DECODE, ENCODE, RECONSTRUCT, Operation
from aecore.models.base import PACKAGE, Autoencoder, Batch, Function, make_initializer, weighted_mean
from aecore.models.recurrent import Recurrent
from aecore.schema.sentence import GATES, SPECIAL, Sentence

_TINY = 1e-8
_FAR = 1e9


@keras.saving.register_keras_serializable(PACKAGE)
class SentenceEncoder(keras.layers.Layer):
    """Reads word vectors in both directions; see `SentenceAutoencoder.encode_vectors`."""

    def __init__(self, fields: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.hyper = hyper = Sentence.make(None, fields)
        cell, width, units, seed = hyper.cell, hyper.vector_size, hyper.code_size, 1000 * hyper.seed
        self.forwards = Recurrent(cell, width, units, seed + 1, dtype=self.dtype_policy, name="forwards")
        self.backwards = Recurrent(cell, width, units, seed + 11, dtype=self.dtype_policy, name="backwards")
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fields": self.hyper.model_dump(mode="json")}

    def call(self, vectors: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        back = tf.reverse_sequence(vectors, lengths, seq_axis=1)
        ends = [
            _last(direction(tf.transpose(read, [1, 0, 2])), lengths)
            for direction, read in ((self.forwards, vectors), (self.backwards, back))
        ]
        if self.hyper.merge == "concat":
            return tf.concat(ends, 1)
        return ends[0] + ends[1] if self.hyper.merge == "sum" else 0.5 * (ends[0] + ends[1])


@keras.saving.register_keras_serializable(PACKAGE)
class SentenceDecoder(keras.layers.Layer):
    """Writes word vectors from a code that is repeated; see `SentenceAutoencoder.write`."""

    def __init__(self, fields: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.hyper = hyper = Sentence.make(None, fields)
        seed, shape = 1000 * hyper.seed + 501, (hyper.code_units, hyper.decoder_units)
        shared = {"positions": hyper.length if hyper.positions else 0, "dtype": self.dtype_policy}
        self.forwards = Recurrent(hyper.cell, *shape, seed, name="forwards", **shared)
        self.backwards = None
        if hyper.both_ways:
            self.backwards = Recurrent(hyper.cell, *shape, seed + 10, name="backwards", **shared)
        self.dense = None
        if hyper.decoder_size:
            initializer = make_initializer("glorot_uniform", seed + 20)
            self.dense = keras.layers.Dense(
                hyper.vector_size, kernel_initializer=initializer, dtype=self.dtype_policy, name="vectors"
            )
            self.dense.build((None, hyper.decoder_size))
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fields": self.hyper.model_dump(mode="json")}

    def call(self, codes: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        states = self.forwards.repeat(codes, steps)
        if self.backwards is not None:
            states += tf.reverse(self.backwards.repeat(codes, steps), [0])
        written = states if self.dense is None else self.dense(states)
        return tf.transpose(written, [1, 0, 2])


@keras.saving.register_keras_serializable(PACKAGE)
class SentenceAutoencoder(Autoencoder):
    """See `Autoencoder` for the arguments; what is encoded are word ids int32 [n, length], padded with 0 at the end.

    Attributes:
        table: float32 [vocabulary, vector], the word vectors; set once, and not trained.
    """

    hyper: Sentence
    xla_on_cpu = xla_on_gpu = False  # sentences are trimmed to the longest of a batch

    def __init__(self, variant: str, fields: dict[str, Any], image_shape: list[int], **kwargs: Any):
        super().__init__(variant, fields, image_shape, **kwargs)
        hyper = self.hyper
        shape = hyper.vocabulary, hyper.vector_size
        self.table = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="table")
        self.encoder = SentenceEncoder(fields, dtype=hyper.precision, name="encoder")
        self.decoder = SentenceDecoder(fields, dtype=hyper.precision, name="decoder")
        if hyper.objective == "words":
            drawn = make_initializer("glorot_uniform", 1000 * hyper.seed + 901)
            self.special = self.add_weight(shape=(SPECIAL, hyper.vector_size), initializer=drawn, name="special")
            self.frequency = self.add_weight(shape=(hyper.vocabulary,), initializer="zeros", name="frequency")
        self.built = True

    def encode(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Codes float32 [n, units] of sentences, inputs int32 [n, up to length]."""
        ids = trimmed(tf.cast(inputs, tf.int32), self.hyper)
        return self.encode_vectors(tf.gather(tf.convert_to_tensor(self.table), ids), sentence_lengths(ids))

    def encode_vectors(self, vectors: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Codes float32 [n, units] of word vectors [n, t, vector], of which the first so many [n] count."""
        if not self.hyper.masked:
            lengths = tf.fill(tf.shape(lengths), tf.shape(vectors)[1])
        return tf.cast(self.encoder(vectors, lengths=lengths), tf.float32)

    def write(self, codes: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """Vectors float32 [n, steps, vector] that the decoder writes from codes [n, units]."""
        if not self.hyper.both_ways:  # each step depends on those before it alone
            return tf.cast(self.decoder(codes, steps=steps), tf.float32)
        return tf.cast(self.decoder(codes, steps=self.hyper.length), tf.float32)[:, :steps]

    def logits(self, codes: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.write(codes, tf.constant(self.hyper.length))

    def activate(self, logits: tf.Tensor) -> tf.Tensor:
        return logits

    def objective(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        """The error of the vectors written, averaged over a sentence's words and then over the sentences."""
        codes = self.encode(batch.inputs)
        written = self.write(codes, tf.shape(batch.targets)[1])
        return {"loss": weighted_mean(self.errors(batch.targets, written, batch.seed), batch.weights)}

    def errors(self, ids: tf.Tensor, written: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """Error of each sentence, float32 [n].

        Args:
            ids: int32 [n, t], the right words.
            written: float32 [n, t, vector].
            seed: int32 [2], for the words drawn against; None for all words, which is exact and slow.
        """
        counted = self._counted(ids)
        targets = tf.gather(tf.convert_to_tensor(self.table), ids)
        if self.hyper.objective == "words":
            error = self._against_all(ids, written) if seed is None else self._against_others(ids, written, seed)
        elif self.hyper.objective == "cosine":
            known = tf.norm(targets, axis=2) > _TINY
            counted *= tf.cast(known, tf.float32)
            error = 1.0 - tf.reduce_sum(_unit(targets) * _unit(written), axis=2)
        else:
            error = tf.reduce_mean(tf.square(targets - written), axis=2)
        return tf.reduce_sum(error * counted, axis=1) / tf.maximum(tf.reduce_sum(counted, axis=1), 1.0)

    def _counted(self, ids: tf.Tensor) -> tf.Tensor:
        """1 for each position that counts, float32 [n, t]: words, the first padding after them, or all."""
        if not self.hyper.masked:
            return tf.ones(tf.shape(ids))
        counts = sentence_lengths(ids) + (1 if self.hyper.objective == "words" else 0)
        return tf.sequence_mask(counts, tf.shape(ids)[1], tf.float32)

    def _against_others(self, ids: tf.Tensor, written: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of the right words against a sample of the vocabulary, in nats, float32 [n, t].

        The softmax's sum is estimated by importance sampling (Bengio and Senécal, 2008; Jean et al., 2015). The sample
        is shared by the batch and log-uniform, since words are sorted by frequency.
        """
        size, draws = self.hyper.vocabulary, self.hyper.negatives
        uniform = tf.random.stateless_uniform([draws], seed)
        others = tf.minimum(tf.cast(tf.exp(uniform * np.log(size + 1.0)), tf.int32) - 1, size - 1)
        words, bias = self.words(), tf.convert_to_tensor(self.frequency)
        right = tf.reduce_sum(tf.gather(words, ids) * written, axis=2) + tf.gather(bias, ids)
        wrong = tf.matmul(written, tf.gather(words, others), transpose_b=True) + tf.gather(bias, others)
        wrong -= _log_share(others, size) + np.log(float(draws))
        wrong -= _FAR * tf.cast(ids[:, :, None] == others, tf.float32)
        return tf.reduce_logsumexp(tf.concat([right[:, :, None], wrong], 2), axis=2) - right

    def _against_all(self, ids: tf.Tensor, written: tf.Tensor) -> tf.Tensor:
        """Cross-entropy of the right words against the whole vocabulary, in nats, float32 [n, t]."""
        words, bias = self.words(), tf.convert_to_tensor(self.frequency)

        def one(sentence):
            logits = tf.matmul(sentence[1], words, transpose_b=True) + bias
            return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=sentence[0], logits=logits)

        return tf.map_fn(one, (ids, written), fn_output_signature=tf.float32)

    def words(self) -> tf.Tensor:
        """Vectors float32 [vocabulary, vector] that words are told by: those of PAD and UNK are learnt."""
        return tf.concat([tf.convert_to_tensor(self.special), tf.convert_to_tensor(self.table)[SPECIAL:]], 0)

    def named(self, written: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The words that written vectors [n, t, vector] stand for: ids int32 [n, t] and cosines float32 [n, t].

        Scored on words, it is the one with the largest logit, PAD for the end of a sentence; else the one with the
        nearest direction among those that have a vector.
        """
        table = tf.convert_to_tensor(self.table)
        if self.hyper.objective == "words":
            words, bias = self.words(), tf.convert_to_tensor(self.frequency)
            unseen = tf.one_hot(1, self.hyper.vocabulary) * _FAR  # UNK is no word to write

            def scored(vectors):
                return tf.matmul(vectors, words, transpose_b=True) + bias - unseen

        else:
            unknown = _FAR * tf.cast(tf.norm(table, axis=1) <= _TINY, tf.float32)
            directions = _unit(table)

            def scored(vectors):
                return tf.matmul(_unit(vectors), directions, transpose_b=True) - unknown

        def nearest(vectors):  # one sentence at a time: all scores at once would take a gigabyte
            best = tf.argmax(scored(vectors), axis=1, output_type=tf.int32)
            return best, tf.reduce_sum(_unit(vectors) * _unit(tf.gather(table, best)), axis=1)

        return tf.map_fn(nearest, written, fn_output_signature=(tf.int32, tf.float32))

    def operations(self) -> dict[Operation, Function]:
        """`encode` takes ids int32 [n, length]; `decode` gives words and cosines; `reconstruct` also codes again."""
        return {
            ENCODE: lambda ids: {"codes": self.encode(ids)},
            DECODE: lambda codes: self._spelt(self.decode(codes)),
            RECONSTRUCT: self._rewritten,
        }

    def _spelt(self, written: tf.Tensor) -> dict[str, tf.Tensor]:
        words, cosines = self.named(written)
        return {"words": words, "cosines": cosines}

    def _rewritten(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
        codes = self.encode(ids)
        written = self.decode(codes)
        spelt = self._spelt(written)
        return {**spelt, "codes": codes, "codes_again": self._reread(ids, written, spelt["words"], self)}

    def again(self, ids: tf.Tensor, reader: "SentenceAutoencoder") -> tf.Tensor:
        """Codes float32 [n, units] that a reader's encoder gives this model's reconstructions of sentences [n, length].

        It reads the vectors that were written, as in the textbook; where they are scored on words, the words.
        """
        written = self.decode(self.encode(ids))
        return self._reread(ids, written, self._spelt(written)["words"], reader)

    def _reread(self, ids: tf.Tensor, written: tf.Tensor, words: tf.Tensor, reader: "SentenceAutoencoder") -> tf.Tensor:
        if self.hyper.objective != "words":
            return reader.encode_vectors(written, sentence_lengths(tf.cast(ids, tf.int32)))
        going_on = tf.math.cumprod(tf.cast(words > 0, tf.int32), axis=1)  # 0 from the first PAD on
        return reader.encode(words * going_on)

    def tiles(self, limit: int) -> tf.Tensor:
        """The input's weights in the forward encoder, a picture for each gate, float32 [gates, vector, units]."""
        kernel = tf.convert_to_tensor(self.encoder.forwards.kernel)
        return tf.stack(tf.split(kernel, GATES[self.hyper.cell], axis=1))[:limit]


def trimmed(ids: tf.Tensor, hyper: Any) -> tf.Tensor:
    """Word ids [n, t] without the columns that are padding in all of them; as they are where padding counts.

    A column of padding is left where the end of a sentence is a word to be written.
    """
    if not hyper.masked:
        return ids
    longest = tf.reduce_max(sentence_lengths(ids)) + (1 if hyper.objective == "words" else 0)
    return ids[:, : tf.minimum(longest, hyper.length)]


def sentence_lengths(ids: tf.Tensor) -> tf.Tensor:
    """Words in each sentence [n, t], at least 1, int32 [n]."""
    return tf.maximum(tf.reduce_sum(tf.cast(ids > 0, tf.int32), axis=1), 1)


def _last(states: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """The state after each sentence's last word, [n, units] of [t, n, units]."""
    places = tf.stack([lengths - 1, tf.range(tf.shape(states)[1])], axis=1)
    return tf.gather_nd(states, places)


def _unit(vectors: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(vectors, axis=-1, epsilon=_TINY)


def _log_share(ids: tf.Tensor, size: int) -> tf.Tensor:
    """Logarithm of a word's share of the log-uniform sample (as TensorFlow's candidate samplers have it)."""
    rank = tf.cast(ids, tf.float32)
    return tf.math.log(tf.math.log((rank + 2.0) / (rank + 1.0)) / np.log(size + 1.0))
