"""The dashboard's entry: page settings and the table of pages."""

import streamlit as st

st.set_page_config(page_title="Autoencoder dashboard", page_icon="docs/icon.png", layout="wide")
st.session_state["through_app"] = True

st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/train.py", title="Train", icon=":material/model_training:", url_path="train"),
        st.Page("pages/sentences.py", title="Sentences", icon=":material/notes:", url_path="sentences"),
    ],
    position="top",
).run()
