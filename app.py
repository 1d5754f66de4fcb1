"""The dashboard's entry: page settings and the table of pages."""

import streamlit as st

st.set_page_config(page_title="Autoencoder dashboard", page_icon="docs/icon.png", layout="wide")
st.session_state["through_app"] = True

st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:", url_path="train"),
        st.Page("pages/latent.py", title="Latent space", icon=":material/scatter_plot:", url_path="latent"),
        st.Page("pages/weights.py", title="Weights", icon=":material/grid_on:", url_path="weights"),
        st.Page("pages/replay.py", title="Replay", icon=":material/history:", url_path="replay"),
        st.Page("pages/your_input.py", title="Your input", icon=":material/draw:", url_path="your_input"),
        st.Page("pages/novelty.py", title="Novelty", icon=":material/troubleshoot:", url_path="novelty"),
        st.Page("pages/sentences.py", title="Sentences", icon=":material/notes:", url_path="sentences"),
    ],
    position="top",
).run()
