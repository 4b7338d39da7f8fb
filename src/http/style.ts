/**
 * The look that all HTML of the program has in common: colours, fonts and what stands on every page; light or
 * dark as the browser prefers. Each kind of page adds the rules for its own parts.
 *
 * @module
 */

/** The first part of a style sheet. ASCII, with no character that HTML or a template would read. */
export const BASE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f8f6f1; --card: #fffdf9; --ink: #23211d; --soft: #635e55; --line: #e2dcd0;
  --link: #125a54; --good: #2a6a3d; --warn: #845500; --bad: #ad2a20;
  --secure: #1f766e; --dane: #6d55a3; --nothing: #8f8778; --temp: #c0392b;
  --serif: "Iowan Old Style", Charter, "Bitstream Charter", P052, Palatino, Georgia, serif;
  --mono: ui-monospace, "Cascadia Mono", Menlo, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171613; --card: #1f1e1a; --ink: #ece7dd; --soft: #aaa395; --line: #38352e;
    --link: #84c9c0; --good: #8cc99e; --warn: #e2b765; --bad: #f1948a;
    --secure: #3f9c92; --dane: #a58ad6; --nothing: #8a8273; --temp: #ee7468;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 74rem; padding: 1.5rem clamp(1rem, 4vw, 2.5rem) 3rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: .2em; text-decoration-thickness: .06em; }
a:hover { text-decoration-thickness: .12em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.soft { color: var(--soft); }
header p { margin: 0; color: var(--soft); font-size: .875rem; letter-spacing: .01em; }
h1 { margin: .1rem 0 0; font: 500 clamp(1.9rem, 5vw, 2.6rem)/1.15 var(--serif); }
h2 { margin: 2.75rem 0 .75rem; font: 500 1.4rem/1.2 var(--serif); }
code { font-family: var(--mono); font-size: .9em; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
.bad { color: var(--bad); }
`;
