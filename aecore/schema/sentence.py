"""The sentence autoencoder: a recurrent network squeezes a sentence into one vector and spells it out again."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from aecore.schema.base import VariantConfig
from aecore.schema.fields import conflict, hyper

GATES = {"lstm": 4, "gru": 3}
SPECIAL = 2  # PAD and UNK


class Sentence(VariantConfig):
    """Words in, one code, the same words out (Li et al., 2015; the first book's last chapter)."""

    modality: ClassVar[Literal["images", "sentences"]] = "sentences"
    name: ClassVar[str] = "sentence"
    title: ClassVar[str] = "Sentence"
    summary: ClassVar[str] = "A recurrent network reads a sentence into one vector, and writes it down again from that."
    model_class: ClassVar[str] = "aecore.models.sentence:SentenceAutoencoder"
    baseline_note: ClassVar[str] = "Below the dashed line, it does better than the best answer that is always the same."
    how_it_works: ClassVar[str] = r"""
Each word $w_t$ is looked up in a table of **word vectors** $e(w_t)$. A recurrent network reads them one after the
other, forwards and backwards; the last states, summed, are the **code** of the sentence,

$$
c = \overrightarrow{h_T} + \overleftarrow{h_1}, \qquad h_t = \mathrm{LSTM}\bigl(e(w_t),\, h_{t-1}\bigr).
$$

The decoder is shown the same code at every position and has to give the vectors back,
$\hat e_1, \dots, \hat e_T$. The textbook asks for a small squared error,

$$
L = \frac{1}{T d} \sum_t \lVert e(w_t) - \hat e_t \rVert^2 ,
$$

padding included. Scored on **words** instead, the right word has to win against others by its product with
$\hat e_t$ (a softmax over a sample of the vocabulary; Jean et al., 2015), so that the reconstruction is a sentence.

Unlike the mean of its word vectors, the code knows the order: *the dog bit the man* is not *the man bit the dog*.
Whether two codes being close means anything is another question; the page *Sentences* shows its controls.
"""
    presets: ClassVar[dict] = {
        "book": {
            "code_size": 512, "vectors": "auto", "learning_rate": 1e-3, "batch_size": 64, "epochs": 20,
        },
        "quick": {
            "cell": "gru", "code_size": 96, "decoder_size": 96, "both_ways": False, "positions": True, "length": 30,
            "vectors": "corpus", "missing": "random", "objective": "words", "negatives": 300, "masked": True,
            "similar_lengths": True, "learning_rate": 4e-3, "schedule": "cosine", "batch_size": 128, "epochs": 4,
        },
        "best": {
            "cell": "gru", "code_size": 128, "decoder_size": 192, "both_ways": False, "positions": True,
            "vectors": "auto", "missing": "random", "objective": "words", "negatives": 400, "masked": True,
            "similar_lengths": True, "word_dropout": 0.1, "split": "documents", "learning_rate": 3e-3,
            "schedule": "cosine", "batch_size": 128, "epochs": 12,
        },
    }  # fmt: skip

    vocabulary: int = hyper(
        5000, "Text", "Vocabulary", "How many words are told apart, PAD and UNK included: the most frequent ones.",
        ge=100, le=50_000, step=500,
    )  # fmt: skip
    length: int = hyper(
        50, "Text", "Sentence length", "Words of a sentence that are read; longer ones are cut, shorter ones padded.",
        ge=4, le=200, step=5,
    )  # fmt: skip
    vectors: Literal["auto", "glove", "corpus"] = hyper(
        "auto", "Text", "Word vectors",
        "GloVe, where its file is on this machine; or learnt from the corpus itself, by how often words stand near "
        "each other; auto takes GloVe if it is here.", compiled=False,
    )  # fmt: skip
    vector_size: int = hyper(
        50, "Text", "Size of a word vector", "Numbers for each word; GloVe comes in 50, 100, 200 and 300.",
        ge=50, le=300, step=50,
    )  # fmt: skip
    missing: Literal["zero", "random"] = hyper(
        "zero", "Text", "Words without a vector",
        "Zeros, as in the textbook, or random numbers with the spread of the others, so that they can be told apart.",
        compiled=False,
    )  # fmt: skip
    held_out_share: float = hyper(
        0.3, "Text", "Held-out share", "Share of the sentences that are measured and not trained on.",
        ge=0.05, le=0.5, step=0.05, compiled=False,
    )  # fmt: skip
    split: Literal["sentences", "documents"] = hyper(
        "sentences", "Text", "Split by",
        "Whether single sentences are held out, as in the textbook, or whole documents, whose sentences are alike.",
        compiled=False,
    )  # fmt: skip
    cell: Literal["lstm", "gru"] = hyper(
        "lstm", "Architecture", "Cell", "What is repeated for each word: LSTM, or GRU with a gate less."
    )
    code_size: int = hyper(
        128, "Architecture", "Code size", "Units of the encoder in each direction.", ge=1, le=1024, step=16
    )
    merge: Literal["sum", "concat", "average"] = hyper(
        "sum", "Architecture", "Merge", "How the two directions become one code; concat makes it twice as long."
    )
    decoder_size: int = hyper(
        0, "Architecture", "Decoder size",
        "Units of the decoder, which a dense layer turns into word vectors; 0: the decoder's units are the vector "
        "itself, as in the textbook.", ge=0, le=1024, step=16,
    )  # fmt: skip
    both_ways: bool = hyper(
        True, "Architecture", "Decoder in both directions", "Whether the decoder also writes backwards, and adds up."
    )
    positions: bool = hyper(
        False, "Architecture", "Positions", "Whether the decoder is told at which word it is; else it has to count."
    )
    objective: Literal["mse", "cosine", "words"] = hyper(
        "mse", "Objective", "Objective",
        "Squared error of the vectors; one minus their cosine; or the cross-entropy of the right word against others.",
    )  # fmt: skip
    negatives: int = hyper(
        500, "Objective", "Words drawn against", "Other words that the right one has to beat in a step.",
        ge=10, le=5000, step=50, when=("objective", ("words",)),
    )  # fmt: skip
    masked: bool = hyper(
        False, "Objective", "Leave out padding",
        "Whether padding is neither read nor counted in the loss; else it is, as in the textbook.",
    )  # fmt: skip
    similar_lengths: bool = hyper(
        False, "Objective", "Batches of similar length",
        "Whether sentences of about the same length are trained together, which saves the steps over padding.",
        when=("masked", (True,)), compiled=False,
    )  # fmt: skip
    word_dropout: float = hyper(
        0.0, "Noise", "Word drop-out", "Share of the words that the encoder is shown as unknown while it trains.",
        ge=0, le=0.9, step=0.05, compiled=False,
    )  # fmt: skip

    @model_validator(mode="after")
    def _negatives_fit(self) -> Self:
        if self.objective == "words" and self.negatives >= self.vocabulary:
            raise conflict(
                "negatives",
                f"negatives takes fewer words than the vocabulary has ({self.vocabulary}); received {self.negatives}.",
            )
        return self

    @property
    def code_units(self) -> int:
        return self.code_size * (2 if self.merge == "concat" else 1)

    @property
    def decoder_units(self) -> int:
        """Units of the decoder in each direction."""
        return self.decoder_size or self.vector_size

    @property
    def loss_title(self) -> str:
        return {
            "mse": "mean squared error of the vectors",
            "cosine": "1 − cosine",
            "words": "cross-entropy of the word, nats",
        }[self.objective]

    def baseline_title(self, image_shape: tuple[int, ...]) -> str:
        del image_shape
        return "always the words' frequencies" if self.objective == "words" else "always the mean vector"

    def parameters(self, image_shape: tuple[int, ...]) -> int:
        del image_shape
        gates, vector, decoder = GATES[self.cell], self.vector_size, self.decoder_units
        ways = 2 if self.both_ways else 1
        count = self.vocabulary * vector  # the table, which is not trained
        count += 2 * gates * self.code_size * (vector + self.code_size + 1)
        count += ways * gates * decoder * (self.code_units + decoder + 1)
        count += ways * gates * decoder * self.length if self.positions else 0
        count += (decoder + 1) * vector if self.decoder_size else 0
        return count + (SPECIAL * vector + self.vocabulary if self.objective == "words" else 0)

    def multiply_adds(self, image_shape: tuple[int, ...]) -> int:
        del image_shape
        gates, vector, decoder = GATES[self.cell], self.vector_size, self.decoder_units
        word = 2 * gates * self.code_size * (vector + self.code_size)
        word += (2 if self.both_ways else 1) * gates * decoder * decoder + (
            decoder * vector if self.decoder_size else 0
        )
        word += self.negatives * vector if self.objective == "words" else 0
        return word * self.length
