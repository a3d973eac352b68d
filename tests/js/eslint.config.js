/*
 * The linter's rules for the pages' modules and for their tests. Run from the project's root.
 */
import js from "@eslint/js";
import globals from "globals";

/** Modules are joined to one script: what that cannot take is an error here already. */
const JOINED = [
  { selector: "ExportDefaultDeclaration", message: "Name what is exported." },
  { selector: "ExportAllDeclaration", message: "Export where it is declared." },
  { selector: "ExportNamedDeclaration[declaration=null]", message: "Export where it is declared." },
  { selector: "ImportDefaultSpecifier", message: "Import by name." },
  { selector: "ImportNamespaceSpecifier", message: "Import by name." },
  { selector: "ImportExpression", message: "A page has no files to load." },
  { selector: "TemplateElement[value.raw=/\\n/]", message: "Lines are trimmed: use \\n." },
];

/** Markup is made of elements and text nodes, never of text. */
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML"].map((property) => ({
  property,
  message: "Text of the data is never parsed as markup: use el().",
}));

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "default-case-last": "error",
      eqeqeq: "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-param-reassign": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-use-before-define": ["error", { functions: false, classes: false }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      complexity: ["error", 12],
      "max-lines-per-function": ["error", { max: 60, skipComments: true }],
    },
  },
  {
    files: ["pipeline/**/*.js"],
    languageOptions: { globals: { ...globals.browser, L: "readonly" } },
    rules: {
      "no-restricted-properties": ["error", ...MARKUP],
      "no-restricted-syntax": ["error", ...JOINED],
    },
  },
  { files: ["tests/**/*.js"], languageOptions: { globals: globals.node } },
];
