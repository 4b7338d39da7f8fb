/**
 * JSON Schema (draft 2020-12) as far as `docs/check.schema.json` uses it. A keyword that is not known
 * here is an error, so that nothing goes unchecked.
 *
 * @module
 */

/** A schema, or a part of one. */
export type Schema = Readonly<Record<string, unknown>>;

/** Says where a value departs from a schema, a line for each place; empty if nowhere. */
export function violations(value: unknown, root: Schema): string[] {
  return check(value, root, "$");

  function check(value: unknown, schema: Schema, path: string): string[] {
    return Object.entries(schema).flatMap(([keyword, argument]) => {
      const rule = RULES[keyword];
      if (rule === undefined) throw new TypeError(`Unknown keyword '${keyword}' at ${path}`);
      return rule({ value, argument, schema, path, check, root });
    });
  }
}

interface RuleContext {
  readonly value: unknown;
  // deno-lint-ignore no-explicit-any
  readonly argument: any;
  readonly schema: Schema;
  readonly path: string;
  check(value: unknown, schema: Schema, path: string): string[];
  readonly root: Schema;
}

type Rule = (context: RuleContext) => string[];

function test(isRight: (context: RuleContext) => boolean): Rule {
  return (context) =>
    isRight(context) ? [] : [
      `${context.path}: ${JSON.stringify(context.value)} against ${
        JSON.stringify(context.argument)
      }`,
    ];
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: (value) => Number.isInteger(value),
  array: (value) => Array.isArray(value),
  object: isObject,
};

const annotation: Rule = () => [];

const RULES: Readonly<Record<string, Rule>> = {
  $schema: annotation,
  $defs: annotation,
  title: annotation,
  description: annotation,
  $ref({ value, argument, path, check, root }) {
    const name = /^#\/\$defs\/(\w+)$/.exec(argument)?.[1] ?? "";
    const target = (root.$defs as Record<string, Schema>)[name];
    if (target === undefined) throw new TypeError(`Unknown reference '${argument}' at ${path}`);
    return check(value, target, path);
  },
  type: test(({ value, argument }) => TYPES[argument]?.(value) === true),
  const: test(({ value, argument }) => value === argument),
  enum: test(({ value, argument }) => argument.includes(value)),
  minimum: test(({ value, argument }) => typeof value !== "number" || value >= argument),
  pattern: test(({ value, argument }) =>
    typeof value !== "string" || new RegExp(argument, "u").test(value)
  ),
  required: test(({ value, argument }) =>
    !isObject(value) || argument.every((name: string) => Object.hasOwn(value, name))
  ),
  properties({ value, argument, path, check }) {
    if (!isObject(value)) return [];
    return Object.entries(argument).flatMap(([name, schema]) =>
      Object.hasOwn(value, name) ? check(value[name], schema as Schema, `${path}.${name}`) : []
    );
  },
  additionalProperties({ value, argument, schema, path }) {
    if (argument !== false) throw new TypeError(`additionalProperties is not false at ${path}`);
    const known = Object.keys(schema.properties as Schema);
    const extra = isObject(value) ? Object.keys(value).filter((name) => !known.includes(name)) : [];
    return extra.map((name) => `${path}.${name}: unknown property`);
  },
  items({ value, argument, path, check }) {
    if (!Array.isArray(value)) return [];
    return value.flatMap((item, index) => check(item, argument, `${path}[${index}]`));
  },
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
