"""Whose workspace a visitor has: that of an identity that signed in, or of a token in a cookie."""

import hashlib
import re
import secrets

import streamlit as st
from streamlit.components.v2 import component

COOKIE = "aecore_workspace"
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
YEAR = 365 * 24 * 3600  # seconds
# Streamlit reads cookies and sets none, so the browser is asked to. Only this server has to see it.
_SET = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.name}=${data.value}; path=/; max-age=${data.seconds}; SameSite=Lax${secure}`;
}
"""
_keep = component("workspace_cookie", html="<span hidden></span>", js=_SET)


def signs_in() -> bool:
    """Whether this deployment has identities (`[auth]` in Streamlit's secrets)."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def cookie() -> str:
    """The workspace that the browser came with, or ""."""
    return st.context.cookies.get(COOKIE) or ""


def workspace() -> str:
    """The workspace of this visitor; one that is new is kept in a cookie, which outlives a reload and a restart."""
    if signs_in() and st.user.is_logged_in:
        identity = f"{st.user.get('iss', '')}|{st.user.get('sub') or st.user.get('email')}"
        return hashlib.sha256(identity.encode()).hexdigest()[:40]
    kept = cookie()
    if COOKIE not in st.session_state:
        st.session_state[COOKIE] = kept if TOKEN.fullmatch(kept) else secrets.token_urlsafe(24)
    token = st.session_state[COOKIE]
    if kept != token:
        _keep(key=COOKIE + "_set", data={"name": COOKIE, "value": token, "seconds": YEAR}, height=0)
    return token
