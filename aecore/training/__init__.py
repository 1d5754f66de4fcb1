"""Trains models and reports as it goes. Imports TensorFlow; only workers import this package."""
