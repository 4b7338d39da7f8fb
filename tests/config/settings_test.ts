import { assert, assertEquals } from "@std/assert";
import * as v from "valibot";
import { pathsOf, type SettingsOf, type ValuesOf, withoutDefaults } from "../../src/config/key.ts";
import { KEYS } from "../../src/config/keys.ts";
import {
  choice,
  count,
  file,
  fileMode,
  flag,
  list,
  namedSections,
  ratio,
  seconds,
  section,
  text,
} from "../../src/config/kinds.ts";
import { toFileValues, toSettings } from "../../src/config/settings.ts";

/** A number in the form `#5`, which is not what it is in the program. */
const FORM = {
  parse: (value: string) => /^#[0-9]$/.test(value) ? parseInt(value.slice(1), 10) : undefined,
  format: (value: number) => `#${value}`,
  allowed: 'a number such as "#5"',
};

/** One key of every kind, none of which the program has. */
const MADE_UP = {
  long_wait: seconds({ range: [0, 9], default: 1.5, text: "." }),
  how_many: count({ range: [0, 9], default: 3, text: "." }),
  share: ratio({ range: [0, 1], text: "." }),
  is_on: flag({ default: true, text: "." }),
  word: choice({ words: ["one", "two"], default: "two", text: "." }),
  one_form: text({ ...FORM, text: "." }),
  some_forms: list({ ...FORM, default: ["#1", "#2"], text: "." }),
  a_file: file({ words: ["none"], default: "none", text: "." }),
  a_mode: fileMode({ default: "0640", text: "." }),
  below: section({ keys: { next_wait: seconds({ range: [0, 9], text: "." }) }, text: "." }),
};

const KEYS_HERE = {
  ...MADE_UP,
  by_name: namedSections({
    keys: withoutDefaults({ wait_here: MADE_UP.long_wait }),
    isName: (name) => /^[a-z]+$/.test(name),
    allowedName: "a word",
    text: ".",
  }),
};

/** Checks a file of these keys and turns it into settings. */
function read(file: object): SettingsOf<typeof KEYS_HERE> {
  const values = v.parse(section({ keys: KEYS_HERE, text: "." }).schema, file);
  return toSettings(KEYS_HERE, values as ValuesOf<typeof KEYS_HERE>);
}

Deno.test("a key that is stated once has its default, name and unit in the program", () => {
  assertEquals(read({}), {
    longWait: 1_500,
    howMany: 3,
    share: undefined,
    isOn: true,
    word: "two",
    oneForm: undefined,
    someForms: [1, 2],
    aFile: "none",
    aMode: 0o640,
    below: { nextWait: undefined },
    byName: {},
  });
  const { below, byName, oneForm } = read({
    one_form: "#7",
    below: { next_wait: 0.25 },
    by_name: { a: { wait_here: 2 }, b: null },
  });
  assertEquals([oneForm, below.nextWait], [7, 250]);
  assertEquals(byName, { a: { waitHere: 2_000 }, b: { waitHere: undefined } });
});

Deno.test("toFileValues() writes what toSettings() reads", () => {
  const file = {
    long_wait: 0.125,
    how_many: 4,
    share: 0.5,
    is_on: false,
    word: "one",
    one_form: "#7",
    some_forms: ["#8"],
    a_file: "/etc/x",
    a_mode: "0600",
    below: { next_wait: 9 },
    by_name: { a: { wait_here: 2 } },
  };
  assertEquals(toFileValues(KEYS_HERE, read(file)), file);
  assertEquals(toFileValues(KEYS_HERE, read({})), {
    long_wait: 1.5,
    how_many: 3,
    share: null,
    is_on: true,
    word: "two",
    one_form: null,
    some_forms: ["#1", "#2"],
    a_file: "none",
    a_mode: "0640",
    below: { next_wait: null },
    by_name: {},
  });
});

Deno.test("every default of ours is a value that its key allows", () => {
  for (const [path, key] of pathsOf(KEYS)) {
    if (key.default !== undefined) assert(v.safeParse(key.schema, key.default).success, path);
  }
});
