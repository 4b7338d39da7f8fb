/**
 * The program with a wall clock that is wrong by as many milliseconds as the file named by `ODD_CLOCK`
 * says, read anew many times a second.
 *
 * @module
 */

const LOOK_MS = 20;

const file = Deno.env.get("ODD_CLOCK") ?? "";
const right = Date.now;
let error = 0;

function look(): void {
  const text = Deno.readTextFileSync(file);
  // It is empty for the moment in which it is written.
  if (text !== "") error = parseInt(text, 10);
}

look();
Deno.unrefTimer(setInterval(look, LOOK_MS));
Date.now = () => right() + error;

await import("../../main.ts");
