import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: [".venv/", "build/"] },
  js.configs.recommended,
  {
    rules: { eqeqeq: "error", "no-var": "error", "prefer-const": ["error", { destructuring: "all" }], "no-shadow": "error" },
  },
  { files: ["pages/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/js/**/*.js"], languageOptions: { globals: globals.node } },
];
