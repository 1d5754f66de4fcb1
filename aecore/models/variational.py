"""The variational autoencoder: a Gaussian code, its evidence lower bound, and importance-weighted likelihoods."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from aecore.models.base import PACKAGE, Autoencoder, Batch, weighted_mean
from aecore.models.convolutional import MAPS, ConvDecoder, ConvEncoder, feature_maps, kernels
from aecore.models.dense import Decoder, Encoder, weight_pictures
from aecore.models.layers import Layer, conv_layers, dense_layers
from aecore.schema.variational import COLLAPSED, Variational

SAMPLES, MANIFOLD = 20, 12
ELBO_SAMPLES, IMPORTANCE_SAMPLES = 10, 500
LIKELIHOOD_BUDGET = 4e12  # multiplications: about a minute on two CPU cores; enough for the usual dense decoders
LEAST_IMAGES = 100
_IMAGES, _DRAWS, _CONVOLUTIONAL_DRAWS = 100, 50, 5  # in one compiled call
_MOST = 0.98  # outermost quantile of the manifold's grid


@keras.saving.register_keras_serializable(PACKAGE)
class VariationalAutoencoder(Autoencoder):
    """An encoder that gives means and log variances, and a decoder of draws; see `Autoencoder` for the arguments.

    The code of an image is its mean.
    """

    hyper: Variational

    def __init__(self, variant: str, fields: dict[str, Any], image_shape: list[int], **kwargs: Any):
        super().__init__(variant, fields, image_shape, **kwargs)
        hyper = self.hyper
        code, shape, seed = hyper.code_size, self.image_shape, 1000 * hyper.seed
        self.dense = hyper.network == "dense"
        if self.dense:
            widths, shared = (
                hyper.widths(shape),
                {name: getattr(hyper, name) for name in ("activation", "dropout", "initializer")},
            )
            self.encoder = Encoder((*widths, 2 * code), code_activation="linear", seed=seed + 1,
                                   dtype=hyper.precision, name="encoder", **shared)  # fmt: skip
            self.decoder = Decoder((code, *reversed(widths)), shape, seed=seed + 501, tied=False,
                                   dtype=hyper.precision, name="decoder", **shared)  # fmt: skip
        else:
            self.encoder = ConvEncoder(hyper, shape, 2 * code, "linear", name="encoder")
            self.decoder = ConvDecoder(hyper, shape, code, name="decoder")
        self.built = True

    @property
    def xla_on_cpu(self) -> bool:
        return Autoencoder.xla_on_cpu and self.dense

    def posterior(self, images: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Means and log variances of the codes of images [n, h, w, c], float32 [n, units] each."""
        mean, log_variance = tf.split(tf.cast(self.encoder(images, training=training), tf.float32), 2, axis=1)
        return mean, log_variance

    def encode(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.posterior(inputs, training)[0]

    def activate(self, logits: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(logits)

    def objective(self, batch: Batch, training: bool) -> dict[str, tf.Tensor]:
        """The negative evidence lower bound with a weighted KL, and its parts with the bound itself, in nats."""
        mean, log_variance = self.posterior(batch.inputs, training)
        noise = tf.random.stateless_normal(tf.shape(mean), batch.seed)
        logits = self.logits(mean + tf.exp(0.5 * log_variance) * noise, training)
        reconstruction = weighted_mean(self.reconstruction_error(batch.targets, logits), batch.weights)
        kl = weighted_mean(tf.reduce_sum(gaussian_kl(mean, log_variance), axis=1), batch.weights)
        warm_up = self.hyper.warm_up
        beta = batch.hyper.beta * (tf.minimum(1.0, batch.progress / warm_up) if warm_up else 1.0)
        return {
            "loss": reconstruction + beta * kl,
            "elbo": -(reconstruction + kl),
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def reconstruction_error(self, clean: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Negative log-likelihood of images [n, h, w, c] given the decoder's logits, in nats, float32 [n]."""
        if self.hyper.likelihood == "bernoulli":
            error = tf.nn.sigmoid_cross_entropy_with_logits(labels=clean, logits=logits)
        else:
            std = self.hyper.pixel_std
            error = 0.5 * tf.square((clean - self.activate(logits)) / std) + math.log(std * math.sqrt(2 * math.pi))
        return tf.reduce_sum(error, axis=[1, 2, 3])

    def tiles(self, limit: int) -> tf.Tensor:
        if self.dense:
            return weight_pictures(self.encoder, self.image_shape, limit)
        return kernels(self.encoder)[:limit]

    def inspected_layers(self) -> list[Layer]:
        return (dense_layers if self.dense else conv_layers)(self, self.hyper.code_size)

    def visualizations(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """KL of each unit, images decoded from draws of the prior, and for two units the plane they span."""
        units = self.hyper.code_size
        found = {
            "kl": tf.reduce_mean(gaussian_kl(*self.posterior(images)), axis=0),
            "samples": self.decode(tf.random.stateless_normal((SAMPLES, units), (0, 0), alg="philox")),
        }
        if units == 2:
            found["manifold"] = self.decode(tf.constant(manifold_codes(MANIFOLD)))
        if not self.dense:
            found["maps"] = feature_maps(self.encoder, images[0])[:MAPS]
        return found

    def extra_metrics(self, clean: np.ndarray, corrupted: np.ndarray, stage: Callable[[str], None]) -> dict[str, float]:
        """Evidence lower bound and likelihood of held-out images, in nats an image.

        Returns:
            `elbo`: evidence lower bound, ten draws an image; `elbo_reconstruction` and `kl`: its parts;
            `collapsed_units`: units of the code with a KL below 0.01 nats; `iwae500`: importance-weighted
            estimate of the log-likelihood with 500 draws (Burda et al., 2016), its standard error over the
            images `iwae500_error`, and `iwae500_images`, how many of them were measured: the first ones, as many as
            a fixed number of multiplications allows.
        """
        stage("the evidence lower bound")
        bounds, kl = self._weigh(clean, corrupted, ELBO_SAMPLES, lambda _: None)
        bound, price = float(bounds.mean()), float(kl.sum(axis=1).mean())
        decoding = self.hyper.multiply_adds(self.image_shape) / 2
        affordable = int(LIKELIHOOD_BUDGET / IMPORTANCE_SAMPLES / decoding)
        count = min(len(clean), max(LEAST_IMAGES, affordable))
        weights, _ = self._weigh(
            clean[:count], corrupted[:count], IMPORTANCE_SAMPLES,
            lambda share: stage(f"the likelihood with {IMPORTANCE_SAMPLES} draws an image ({share:.0%})"),
        )  # fmt: skip
        top = weights.max(axis=1, keepdims=True)
        likelihood = top[:, 0] + np.log(np.exp(weights - top).mean(axis=1))
        return {
            "elbo": bound,
            "elbo_reconstruction": bound + price,
            "kl": price,
            "collapsed_units": int((kl.mean(axis=0) < COLLAPSED).sum()),
            "iwae500": float(likelihood.mean()),
            "iwae500_error": float(likelihood.std() / math.sqrt(count)),
            "iwae500_images": count,
        }

    def _weigh(self, clean: np.ndarray, corrupted: np.ndarray, draws: int, progress: Callable[[float], None]):
        """Log importance weights log p(x, z) / q(z | x) of draws, float64 [n, draws], and KL float64 [n, units]."""
        weigh = tf.function(self._log_weights, jit_compile=self.xla_on_cpu)
        together = min(draws, _DRAWS if self.dense else _CONVOLUTIONAL_DRAWS)
        rows, prices = [], []
        for k in range(0, len(clean), _IMAGES):
            progress(k / len(clean))
            here = np.resize(np.arange(k, min(k + _IMAGES, len(clean))), _IMAGES)  # one shape, compiled once
            batch = tf.constant(clean[here]), tf.constant(corrupted[here])
            parts = [weigh(*batch, tf.constant([k, j]), together) for j in range(0, draws, together)]
            count = min(_IMAGES, len(clean) - k)
            rows.append(np.concatenate([log.numpy() for log, _ in parts], axis=1)[:count])
            prices.append(parts[0][1].numpy()[:count])
        return np.concatenate(rows).astype(np.float64), np.concatenate(prices).astype(np.float64)

    def _log_weights(self, clean: tf.Tensor, corrupted: tf.Tensor, seed: tf.Tensor, draws: int):
        mean, log_variance = self.posterior(corrupted)
        shape = (draws, _IMAGES, self.hyper.code_size)
        noise = tf.random.stateless_normal(shape, seed, alg="threefry" if self.xla_on_cpu else "philox")
        codes = mean + tf.exp(0.5 * log_variance) * noise
        logits = self.logits(tf.reshape(codes, [-1, shape[-1]]))
        error = self.reconstruction_error(tf.tile(clean, [draws, 1, 1, 1]), logits)
        prior_over_posterior = 0.5 * tf.reduce_sum(tf.square(noise) - tf.square(codes) + log_variance, axis=2)
        return tf.transpose(prior_over_posterior - tf.reshape(error, [draws, -1])), gaussian_kl(mean, log_variance)


def gaussian_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL of each unit's normal distribution from the standard one, in nats (Kingma and Welling, 2014, appendix B).

    Args:
        mean: float32 [n, units].
        log_variance: float32 [n, units].

    Returns:
        float32 [n, units].
    """
    return 0.5 * (tf.exp(log_variance) + tf.square(mean) - 1.0 - log_variance)


def manifold_codes(side: int) -> np.ndarray:
    """A grid of codes float32 [side * side, 2], row by row from the top, evenly spread in the prior's quantiles."""
    quantiles = [NormalDist().inv_cdf(share) for share in np.linspace(1 - _MOST, _MOST, side)]
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
