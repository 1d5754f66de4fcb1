"""Declarations of the hyperparameters: bounds, texts, presets, conflicts, and the way through JSON."""

import json
import math

import pytest

from aecore.errors import BadInput
from aecore.schema import IMAGE_SHAPE, VARIANTS, FieldSpec, RunConfig, variant
from aecore.schema.base import MAX_PARAMETERS
from aecore.schema.dense import Sparse, Stacked, Vanilla
from aecore.schema.fields import GROUPS
from aecore.schema.layers import MAX_LAYERS

FIELDS = [
    pytest.param(spec, id=f"{name}-{spec.name}")
    for name, variant_class in VARIANTS.items()
    for spec in variant_class.fields()
]
PRESETS = [pytest.param(name, preset, id=f"{name}-{preset}") for name in VARIANTS for preset in VARIANTS[name].presets]
NUMBERS = ("int", "float")
NOT_IN_THE_BOOKS = ("contractive", "variational")


def refusal(field: str, function, *arguments, **named) -> str:
    """The one sentence with which a field, and no other, is refused."""
    with pytest.raises(BadInput) as caught:
        function(*arguments, **named)
    assert list(caught.value.problems) == [field]
    sentence = caught.value.problems[field]
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence, "more than one sentence"
    return sentence


# Fields


@pytest.mark.parametrize("spec", FIELDS)
def test_a_field_says_what_it_is(spec: FieldSpec):
    assert spec.label
    assert spec.help.endswith(".")
    assert spec.group in GROUPS
    if spec.type in NUMBERS:
        assert spec.minimum is not None
        assert spec.maximum is not None
        assert spec.step
        assert spec.minimum <= spec.default <= spec.maximum
    if spec.choices:
        assert spec.default in spec.choices


@pytest.mark.parametrize("spec", FIELDS)
def test_text_and_value_make_the_round_trip(spec: FieldSpec):
    values = [spec.default, spec.minimum, spec.maximum] if spec.type in NUMBERS else [spec.default]
    values += {"bool": [True, False], "widths": [(), (7,), (512, 128, 64)]}.get(spec.type, list(spec.choices or ()))
    for value in values:
        assert spec.parse(spec.text(value)) == value
        assert spec.parse(value) == value
        assert spec.parse(f" {spec.text(value)} ".replace(",", " , ") if not spec.choices else value) == value


def bad_values(spec: FieldSpec) -> list:
    outside = [spec.minimum - 1, spec.maximum + 1] if spec.minimum is not None and spec.maximum is not None else []
    texts = ["nan", "inf", "-inf", "many", "", " ", "1_0", "\uff11", True, None]
    return {
        "int": [*outside, *map(str, outside), math.nan, math.inf, 1.5, "1.5", *texts],
        "float": [*outside, *map(str, outside), math.nan, math.inf, -math.inf, *texts],
        "bool": ["perhaps", "", 2, None],
        "choice": ["", "none of these", spec.choices[0].upper() if spec.choices else "", 99, None],
        "widths": ["a,b", "0", "5000", "64,", ",", "1.5", "nan", "inf", "1_0", [0], [math.inf], ["x"], None, 3],
    }[spec.type]


@pytest.mark.parametrize("spec", FIELDS)
def test_what_cannot_be_used_is_refused_in_one_sentence(spec: FieldSpec):
    for value in bad_values(spec):
        sentence = refusal(spec.name, spec.parse, value)
        assert sentence.startswith(f"{spec.name} takes ")
        assert f"received '{value}'" in sentence


@pytest.mark.parametrize("variant_class", VARIANTS.values(), ids=VARIANTS)
def test_a_configuration_refuses_what_its_fields_refuse(variant_class):
    refusal("learning_rate", variant_class.make, values={"learning_rate": "inf"})
    refusal("epochs", variant_class.make, values={"epochs": 0})


def test_every_field_at_fault_is_named():
    with pytest.raises(BadInput) as caught:
        Vanilla.make(values={"code_size": 0, "dropout": "x", "depth": 3})
    assert set(caught.value.problems) == {"code_size", "dropout", "depth"}
    assert "its fields are" in caught.value.problems["depth"]


@pytest.mark.parametrize(
    ("text", "widths"),
    [("512,128,64", (512, 128, 64)), (" 512 , 128 ", (512, 128)), ("", ()), ("  ", ()), ("7", (7,)), ([3, 4], (3, 4))],
)
def test_widths(text, widths: tuple[int, ...]):
    assert Vanilla.make(values={"hidden": text}).hidden == widths


def test_widths_have_a_greatest_number():
    assert len(Vanilla.make(values={"hidden": [8] * MAX_LAYERS}).hidden) == MAX_LAYERS
    assert f"at most {MAX_LAYERS} widths" in refusal("hidden", Vanilla.make, values={"hidden": [8] * (MAX_LAYERS + 1)})


def test_a_field_is_relevant_only_beside_its_condition():
    spec = next(spec for spec in Vanilla.fields() if spec.name == "noise_std")
    assert spec.relevant({"noise": "gaussian"})
    assert not spec.relevant({"noise": "masking"})


# Values that do not go together


@pytest.mark.parametrize(
    ("variant_class", "field", "values"),
    [
        (Vanilla, "output_activation", {"loss": "bce", "output_activation": "relu"}),
        (Vanilla, "output_activation", {"loss": "bce", "output_activation": "linear"}),
        (Sparse, "code_activation", {"penalty": "kl", "code_activation": "relu"}),
    ],
)
def test_conflicts_are_reported_beside_the_right_field(variant_class, field: str, values: dict):
    with pytest.raises(BadInput) as caught:
        variant_class.make(values=values)
    assert list(caught.value.problems) == [field]
    assert f"received '{values[field]}'" in str(caught.value)
    assert variant_class.make(values={**values, field: "sigmoid"})


def test_a_preset_that_an_override_contradicts():
    refused = pytest.raises(BadInput, match="choose output_activation sigmoid")
    with refused:
        Vanilla.make("book", {"loss": "bce"})


# Presets and names


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_presets_can_be_trained(name: str, preset: str):
    config = RunConfig.make(name, "digits", preset)
    for field, value in VARIANTS[name].presets[preset].items():
        assert getattr(config.hyper, field) == value
    assert 0 < config.hyper.parameters(IMAGE_SHAPE) <= MAX_PARAMETERS
    assert sum(epochs for _, epochs in config.hyper.phases()) == config.hyper.total_epochs


@pytest.mark.parametrize("variant_class", VARIANTS.values(), ids=VARIANTS)
def test_every_variant_has_the_shared_presets_and_texts(variant_class):
    assert {"quick", "best"} <= set(variant_class.presets)
    assert "book" in variant_class.presets or variant_class.name in NOT_IN_THE_BOOKS
    assert variant_class.title
    assert variant_class.summary.endswith(".")
    assert "$" in variant_class.how_it_works, "no formula"


VANILLA_BOOK = {
    "hidden": (), "code_size": 128, "activation": "relu", "code_activation": "relu", "output_activation": "relu",
    "loss": "mse", "optimizer": "adam", "schedule": "constant", "batch_size": 256, "epochs": 50, "seed": 11,
    "dropout": 0.0, "weight_decay": 0.0, "tied_weights": False, "precision": "float32", "held_out": "test",
}  # fmt: skip
BOOK = {
    "vanilla": VANILLA_BOOK | {"learning_rate": 1e-2, "noise": "none", "shuffle": False},
    "sparse": VANILLA_BOOK | {"learning_rate": 1e-2, "noise": "none", "shuffle": False, "penalty": "l1",
                              "penalty_l1": 10e-5},
    "denoising": VANILLA_BOOK | {"learning_rate": 1e-3, "noise": "gaussian", "noise_mean": 0.5, "noise_std": 0.5,
                                 "clip": False, "fresh_noise": False, "shuffle": True},
    "convolutional": {"filters": (32, 32, 16), "kernel_size": 3, "halvings": 3, "downsampling": "pool",
                      "upsampling": "resize", "code_size": 0, "normalisation": "none", "activation": "relu",
                      "loss": "bce", "optimizer": "adam", "learning_rate": 1e-3, "batch_size": 128, "epochs": 50,
                      "noise": "gaussian", "noise_mean": 0.0, "noise_std": 0.5, "clip": True, "fresh_noise": False,
                      "shuffle": True},
    "stacked": {"hidden": (512, 128, 64), "code_size": 32, "activation": "relu", "code_activation": "linear",
                "loss": "bce", "batch_size": 256, "optimizer": "adam", "pretraining": "none"},
    "sentence": {"vocabulary": 5000, "length": 50, "vector_size": 50, "cell": "lstm", "code_size": 512, "merge": "sum",
                 "decoder_size": 0, "both_ways": True, "objective": "mse", "masked": False, "batch_size": 64,
                 "epochs": 20, "held_out_share": 0.3, "split": "sentences", "missing": "zero", "optimizer": "adam"},
}  # fmt: skip


@pytest.mark.parametrize("name", list(BOOK))
def test_the_book_presets_are_the_books(name: str):
    found = VARIANTS[name].make("book").model_dump()
    assert {field: found[field] for field in BOOK[name]} == BOOK[name]


def test_unknown_names_list_the_known_ones():
    assert ", ".join(VARIANTS) in refusal("variant", variant, "gan")
    assert ", ".join(Vanilla.presets) in refusal("preset", Vanilla.make, "fast")
    assert "code_size" in refusal("latent", Vanilla.make, values={"latent": 3})


# A run's configuration


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_configuration_makes_the_round_trip_through_json(name: str, preset: str):
    config = RunConfig.make(name, "mnist", preset, {"seed": 7, "learning_rate": 0.1 + 0.2})
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("missing", ["variant", "dataset", "preset", "fields"])
def test_json_that_is_no_configuration_is_bad_input(missing: str):
    data = RunConfig.make("vanilla", "digits").to_json()
    del data[missing]
    with pytest.raises(BadInput):
        RunConfig.from_json(data)


def test_changing_a_value_checks_it():
    config = RunConfig.make("vanilla", "digits", "quick")
    changed = config.changed(epochs=99)
    assert (changed.hyper.epochs, changed.preset, config.hyper.epochs) == (99, "quick", 60)
    refusal("epochs", config.changed, epochs=0)


def test_a_model_too_large_is_refused():
    sentence = refusal("hidden", RunConfig.make, "vanilla", "digits", None, {"hidden": [4096] * 4, "code_size": 4096})
    count = Vanilla.make(values={"hidden": [4096] * 4, "code_size": 4096}).parameters(IMAGE_SHAPE)
    assert f"{count:,}" in sentence
    assert f"{MAX_PARAMETERS:,}" in sentence


def test_phases_of_layerwise_pretraining():
    config = Stacked.make(values={"hidden": "64,32", "pretraining": "layerwise", "pretraining_epochs": 2, "epochs": 5})
    assert config.phases() == (("layer 1", 2), ("layer 2", 2), ("layer 3", 2), ("fine-tuning", 5))
    assert config.total_epochs == 11


def test_the_shape_of_the_images_goes_with_the_configuration():
    large = RunConfig.make("vanilla", "digits", None, {"code_size": 8}, (32, 32, 3))
    assert RunConfig.from_json(json.loads(json.dumps(large.to_json()))) == large
    assert large.parameters == 3072 * 8 + 8 + 8 * 3072 + 3072
    assert RunConfig.make("sentence", "python-docs").image_shape == ()


def test_a_configuration_of_an_older_version_has_the_shape_of_its_time():
    stored = RunConfig.make("vanilla", "mnist", "book").to_json()
    del stored["image_shape"]
    assert RunConfig.from_json(stored) == RunConfig.make("vanilla", "mnist", "book").with_preset("book")
