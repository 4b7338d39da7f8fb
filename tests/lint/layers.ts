/**
 * A plugin for `deno lint`: the rules of this project that a machine can check.
 *
 * - `layers/imports`: values and types are imported downwards only, by the table below.
 * - `layers/exit`: only `main.ts` ends the process.
 * - `layers/environment`: only `src/config` and `src/cli` read the environment.
 * - `layers/state`: nothing at the top level of a module changes.
 * - `layers/protocol-text`: no helper that takes more kinds of white space or of numbers than a protocol does.
 * - `layers/parameters`: an exported function has at most two positional parameters and an options object.
 *
 * It looks at files under `src/` and at `main.ts`.
 *
 * @module
 */

/** A layer of the program. */
export interface Layer {
  /** Folders of `src/` whose values and types it may import, beside its own. */
  readonly values: readonly string[];
  /** Folders of which it may import types alone: the effects and answers that are handed in. */
  readonly types?: readonly string[];
}

const PURE = ["base", "sts"];
const NETWORK = [...PURE, "dns", "https"];

/**
 * The layers, from the lowest to the highest. An import of a type is an arrow like any other: whoever changes the
 * type changes the importer. A folder that is not listed may import nothing.
 */
export const LAYERS: Readonly<Record<string, Layer>> = {
  base: { values: [] },
  sts: { values: ["base"] },
  tlsrpt: { values: PURE },
  dns: { values: PURE },
  https: { values: PURE, types: ["dns"] },
  mail: { values: ["base"] },
  sqlite: { values: ["base"] },
  cache: { values: [...PURE, "sqlite"] },
  reports: { values: [...PURE, "tlsrpt", "sqlite"] },
  fleet: { values: PURE },
  resolver: { values: PURE, types: ["dns", "https", "cache", "fleet"] },
  collect: { values: [...PURE, "tlsrpt"], types: ["dns", "https", "reports", "resolver"] },
  deliver: { values: [...PURE, "tlsrpt", "mail"], types: ["dns", "reports"] },
  receive: { values: [...PURE, "tlsrpt", "mail", "sqlite"], types: ["dns"] },
  postfix: { values: PURE, types: ["resolver"] },
  http: { values: ["base"] },
  status: {
    values: [...PURE, "tlsrpt", "http"],
    types: ["dns", "https", "cache", "resolver", "fleet", "receive"],
  },
  config: { values: PURE, types: ["resolver", "fleet"] },
  publish: { values: [...NETWORK, "http", "config"], types: ["receive"] },
  check: { values: [...NETWORK, "mail", "resolver", "http", "publish"] },
  daemon: {
    values: [
      ...NETWORK,
      ...[
        "tlsrpt",
        "mail",
        "sqlite",
        "cache",
        "reports",
        "fleet",
        "resolver",
        "collect",
        "deliver",
        "receive",
        "postfix",
      ],
      ...["http", "status", "config"],
    ],
  },
  cli: {
    values: [
      ...NETWORK,
      ...[
        "tlsrpt",
        "mail",
        "sqlite",
        "cache",
        "reports",
        "fleet",
        "resolver",
        "collect",
        "deliver",
        "receive",
        "postfix",
      ],
      ...["http", "status", "config", "publish", "check", "daemon"],
    ],
  },
  main: { values: ["cli"] },
};

/** Where text comes from the network. */
const PROTOCOL_FOLDERS: readonly string[] = [
  "sts",
  "tlsrpt",
  "mail",
  "collect",
  "deliver",
  "receive",
  "fleet",
  "postfix",
  "dns",
  "https",
  "http",
  "publish",
  "check",
];

const ENVIRONMENT_FOLDERS: readonly string[] = ["config", "daemon", "cli"];

/** Methods that strip whatever Unicode calls white space. */
const TRIM_METHODS: readonly string[] = ["trim", "trimStart", "trimEnd"];

/** Functions that read `0x10`, `1e3`, `" 7"` or `7abc` as numbers. */
const NUMBER_FUNCTIONS: readonly string[] = ["Number", "parseFloat"];

const MAX_PARAMETERS = 2;

/** The folder of `src/` a file is in, `main` for `main.ts`, `undefined` for all others. */
function folderOf(filename: string): string | undefined {
  const inSource = /(?:^|\/)src\/([^/]+)\/[^/]+$/.exec(filename)?.[1];
  if (inSource !== undefined) return inSource;
  return /(?:^|\/)main\.ts$/.test(filename) ? "main" : undefined;
}

/** The folder of `src/` a relative specifier leads to; `undefined` for the own folder and for packages. */
function targetOf(specifier: string): string | undefined {
  return /^(?:\.\.\/|\.\/src\/)([^/.]+)\//.exec(specifier)?.[1];
}

/** Creates a rule that is given the folder of each file of the program. */
function rule(
  create: (folder: string, context: Deno.lint.RuleContext) => Deno.lint.LintVisitor,
): Deno.lint.Rule {
  return {
    create(context) {
      const folder = folderOf(context.filename);
      return folder === undefined ? {} : create(folder, context);
    },
  };
}

const imports = rule((folder, context) => {
  const { values, types = [] } = LAYERS[folder] ?? { values: [] };
  const check = (node: Deno.lint.Node, source: Deno.lint.Expression, typesOnly: boolean) => {
    if (source.type !== "Literal" || typeof source.value !== "string") return;
    const target = targetOf(source.value);
    if (target === undefined || target === folder || values.includes(target)) return;
    if (typesOnly && types.includes(target)) return;
    context.report({
      node,
      message: `${folder} may not import ${typesOnly ? "types" : "values"} from ${target}`,
      hint: "Have it handed in by the caller, or move what both need to a lower layer",
    });
  };
  return {
    ImportDeclaration(node) {
      const typesOnly = node.importKind === "type" || node.specifiers.length > 0 &&
          node.specifiers.every((specifier) =>
            specifier.type === "ImportSpecifier" && specifier.importKind === "type"
          );
      check(node, node.source, typesOnly);
    },
    ExportNamedDeclaration(node) {
      if (node.source !== null) check(node, node.source, node.exportKind === "type");
    },
    ExportAllDeclaration(node) {
      check(node, node.source, node.exportKind === "type");
    },
    ImportExpression(node) {
      check(node, node.source, false);
    },
  };
});

/** Reports each use of a property of the `Deno` object. */
function denoProperty(property: string, message: string, context: Deno.lint.RuleContext) {
  return {
    MemberExpression(node: Deno.lint.MemberExpression) {
      if (
        node.object.type === "Identifier" && node.object.name === "Deno" &&
        node.property.type === "Identifier" && node.property.name === property
      ) context.report({ node, message });
    },
  };
}

const exit = rule((folder, context) =>
  folder === "main" ? {} : denoProperty("exit", "Only main.ts ends the process", context)
);

const environment = rule((folder, context) =>
  ENVIRONMENT_FOLDERS.includes(folder)
    ? {}
    : denoProperty("env", "Only src/config and src/cli read the environment", context)
);

const state = rule((_folder, context) => ({
  "Program > VariableDeclaration, Program > ExportNamedDeclaration > VariableDeclaration"(
    node: Deno.lint.VariableDeclaration,
  ) {
    if (node.kind === "let" || node.kind === "var") {
      context.report({ node, message: "Nothing at the top level of a module may change" });
    }
  },
}));

const protocolText = rule((folder, context) => {
  if (!PROTOCOL_FOLDERS.includes(folder)) return {};
  const report = (node: Deno.lint.Node, name: string) =>
    context.report({
      node,
      message: `${name} takes more than a protocol does`,
      hint: "Name the characters that the grammar allows",
    });
  return {
    MemberExpression(node) {
      const { property } = node;
      if (property.type === "Identifier" && TRIM_METHODS.includes(property.name)) {
        report(node, `.${property.name}()`);
      }
    },
    Identifier(node) {
      // Called or handed on; `Number.isInteger` and the type `Number` are something else.
      const used = node.parent.type === "CallExpression";
      if (used && NUMBER_FUNCTIONS.includes(node.name)) report(node, `${node.name}()`);
    },
    Literal(node) {
      if (node.value instanceof RegExp && /(?<!\\)(?:\\\\)*\\s/.test(node.value.source)) {
        report(node, "\\s");
      }
    },
  };
});

const parameters = rule((_folder, context) => ({
  "ExportNamedDeclaration > FunctionDeclaration"(node: Deno.lint.FunctionDeclaration) {
    const last = node.params.at(-1);
    const hasOptions = last?.type === "ObjectPattern" ||
      last?.type === "Identifier" && last.name === "options";
    if (node.params.length <= MAX_PARAMETERS + (hasOptions ? 1 : 0)) return;
    context.report({
      node,
      message: `An exported function has at most ${MAX_PARAMETERS} positional parameters`,
      hint: "Move the others into an options object",
    });
  },
}));

const plugin: Deno.lint.Plugin = {
  name: "layers",
  rules: { imports, exit, environment, state, "protocol-text": protocolText, parameters },
};
export default plugin;
