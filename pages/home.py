"""Home: what an autoencoder is, what can be trained, and whether everything is ready."""

import streamlit as st

st.title("Autoencoder dashboard")
