"""The metrics of a run on held-out data."""

import math

import pandas as pd
import streamlit as st

from aecore.store.views import RunView
from pages.components.shared import charts
from pages.components.shared.formatting import number

SCORES = {
    "mse": ("Mean squared error", "of a pixel; smaller is better"),
    "sse_per_image": ("Squared error of an image", "summed over its pixels; smaller is better"),
    "psnr": ("Peak signal-to-noise ratio, dB", "larger is better"),
    "ssim": ("Structural similarity", "1 is identical"),
    "bce": ("Binary cross-entropy", "of a pixel, in nats; smaller is better"),
    "knn5_accuracy": ("5-NN accuracy on the codes", "class voted by the five nearest training codes"),
    "probe_accuracy": ("Softmax classifier on the codes", "held-out accuracy of a linear classifier"),
    "trustworthiness": ("Trustworthiness", "1: neighbours among the codes are neighbours among the images"),
    "mean_activation": ("Mean activation", "mean absolute activity of the code's units"),
    "active_share": ("Share of active units", "above 0.001, over all images"),
    "dead_units": ("Dead units", "that are the same for every image"),
    "elbo": ("Evidence lower bound, nats", "of an image; larger is better"),
    "elbo_reconstruction": ("Reconstruction term of the bound", "log-likelihood of the image given its code, in nats"),
    "kl": ("KL term of the bound", "how far codes are from the prior, in nats"),
    "collapsed_units": ("Collapsed units", "whose KL is below 0.01 nats: they say nothing about the image"),
    "iwae500": ("Log-likelihood (IWAE bound, 500 draws), nats", "of an image; larger is better"),
    "iwae500_error": ("Its standard error, nats", "over the images that were measured"),
    "iwae500_images": ("Images measured for it", "all of them where the network is dense"),
    "jacobian_norm": ("Squared norm of the Jacobian", "how fast the code moves with the image"),
}


BASELINES = {
    "nlm_psnr": "The same of non-local means, dB",
    "pca_denoiser_psnr": "The same of a tuned PCA denoiser, dB",
}

# Metric, what it is, and the metrics that it stands beside with their names.
SENTENCE_SCORES = (
    ("held_out_loss", "Held-out loss", {"always the mean vector": "mean_vector_loss",
                                        "always the words' frequencies": "frequency_loss"}),
    ("word_accuracy", "Words that come back, at their place", {"always the most frequent word":
                                                               "frequent_word_accuracy"}),
    ("cosine_mean", "Cosine of a sentence's code and its reconstruction's", {
        "two random sentences": "cosine_control_mean", "two of one document": "cosine_document_mean",
        "with an untrained encoder": "cosine_untrained_mean"}),
    ("separation_auc", "How well that tells reconstructions from random pairs (ROC area)", {
        "with an untrained encoder": "untrained_auc"}),
    ("topic_agreement", "Nearest sentence of another document shares a topic", {
        "mean of word vectors": "mean_vectors_topic_agreement", "TF-IDF with SVD": "tfidf_topic_agreement",
        "chance": "chance_topic_agreement"}),
    ("vectors_covered", "Share of tokens with a word vector", {}),
)  # fmt: skip


def scorecard(run: RunView) -> None:
    """Draws the metrics of a run on held-out data, each beside its baseline."""
    if not run.metrics:
        beside = "PCA at the same code size" if run.config.hyper.modality == "images" else "its control or baseline"
        st.caption(f"Figures on held-out {run.config.hyper.modality}, each beside {beside}, appear here at its end.")
        return
    if run.config.hyper.modality == "sentences":
        _sentences(run)
        return
    rows = []
    for name, (title, meaning) in SCORES.items():
        value = run.metrics.get(name)
        if value is not None and math.isfinite(value):
            rows.append((title, number(value), number(run.metrics.get(f"pca_{name}")), meaning))
    if not rows:
        st.warning("The model's output is not a number; there is nothing to measure.")
        return
    if run.config.hyper.metrics_note:
        st.caption(run.config.hyper.metrics_note)
    for name, what in BASELINES.items():
        if run.metrics.get(name) is not None:
            rows.insert(3, (what, "–", number(run.metrics[name]), "for comparison, in place of PCA at the code's size"))
    table = pd.DataFrame(
        rows, columns=["held-out images", run.config.hyper.title, charts.pca_name(run), "what it says"]
    )
    st.table(table.set_index("held-out images"))


def _sentences(run: RunView) -> None:
    rows = []
    for name, what, beside in SENTENCE_SCORES:
        if run.metrics.get(name) is not None:
            others = [
                f"{title} {number(run.metrics[other])}" for title, other in beside.items() if other in run.metrics
            ]
            rows.append((what, number(run.metrics[name]), ", ".join(others) or "–"))
    table = pd.DataFrame(rows, columns=["held-out sentences", run.config.hyper.title, "beside it"])
    st.table(table.set_index("held-out sentences"))
