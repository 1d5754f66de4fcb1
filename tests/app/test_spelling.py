"""What a model writes, word by word."""

from streamlit.testing.v1 import AppTest

WORDS = ("PAD", "UNK", "the", "dog", "<b>bit</b>")


def drawn(shown: list[list[int]] | None, words: list[list[int]], objective: str) -> str:
    def page(shown, words, objective, names):
        import numpy as np

        from pages.components.shared.spelling import spelt

        ids = None if shown is None else np.array(shown, np.uint16)
        came = np.array(words, np.uint16)
        spelt(ids, came, np.full(came.shape, 0.5, np.float16), names, objective)

    app = AppTest.from_function(page, args=(shown, words, objective, WORDS)).run()
    assert not app.exception
    return app.get("html")[0].proto.body


def test_right_words_are_marked_and_carry_their_cosine() -> None:
    text = drawn([[2, 3, 0, 0]], [[2, 2, 2, 2]], "mse")
    assert text.count('class="right"') == 1
    assert text.count('class="wrong"') == 1, "what is written is cut where the sentence ends"
    assert 'title="cosine 0.50"' in text


def test_a_model_of_words_ends_its_sentence_itself() -> None:
    longer = drawn([[2, 0, 0, 0]], [[2, 3, 3, 0]], "words")
    assert longer.count('class="wrong"') == 2
    shorter = drawn([[2, 3, 3, 3]], [[2, 0, 3, 3]], "words")
    assert shorter.count('class="wrong"') == 3
    assert shorter.count("the sentence has ended") == 3
    assert "nothing: it ends at once" in drawn(None, [[0, 2, 2]], "words")


def test_unknown_words_are_never_right() -> None:
    text = drawn([[1, 1, 0]], [[1, 2, 0]], "words")
    assert 'class="right"' not in text
    assert "unknown" in text


def test_words_are_not_html_and_unnamed_ones_are_reported() -> None:
    text = drawn(None, [[4, 9, 0]], "words")
    assert "<b>" not in text
    assert "&lt;b&gt;bit&lt;/b&gt;" in text
    assert "no word" in text
