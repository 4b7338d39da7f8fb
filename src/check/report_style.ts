/**
 * The style sheet of the HTML report.
 *
 * @module
 */

/** Two sets of colours, and one layout that also fits a phone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1c2430; --soft: #5b6675; --line: #dde2e8;
  --ok: #1a7f4b; --info: #2563b0; --warning: #9a6200; --error: #c0272d;
  --ok-tint: #e6f4ec; --info-tint: #e7f0fa; --warning-tint: #fbf1dc; --error-tint: #fbe7e7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181d; --card: #1d232b; --text: #e4e8ee; --soft: #9aa6b4; --line: #323b46;
    --ok: #5cc88d; --info: #79b0f0; --warning: #e0b050; --error: #f08080;
    --ok-tint: #1a3226; --info-tint: #1b2d42; --warning-tint: #3a2f18; --error-tint: #402225;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 2rem 0 .75rem; font-size: 1.15rem; }
h3 { margin: 0; font-size: 1rem; }
p { margin: .35rem 0 0; }
a { color: inherit; }
main + main { margin-top: 3rem; padding-top: 2rem; border-top: 1px solid var(--line); }
header { padding: 1rem 1.25rem; border-radius: .5rem; border-left: .4rem solid; background: var(--card); }
header p { font-weight: 600; }
header.ok { border-color: var(--ok); } header.ok p { color: var(--ok); }
header.warning { border-color: var(--warning); } header.warning p { color: var(--warning); }
header.error { border-color: var(--error); } header.error p { color: var(--error); }
.overview {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .5rem;
  margin: .75rem 0 0; padding: 0; list-style: none;
}
.overview li { padding: .5rem .75rem; border-radius: .5rem; background: var(--card); }
.overview a { display: block; color: var(--soft); font-size: .85rem; text-decoration: none; }
.overview a:hover { text-decoration: underline; }
.overview span { font-weight: 600; }
.overview .ok span { color: var(--ok); }
.overview .warning span { color: var(--warning); }
.overview .error span { color: var(--error); }
article {
  margin-top: .5rem; padding: .7rem 1rem; border-radius: .5rem;
  background: var(--card); border-left: .25rem solid var(--line);
}
article.warning { border-color: var(--warning); }
article.error { border-color: var(--error); }
article.ok { padding-block: .35rem; }
article.ok p { margin: 0; }
article code { margin-left: .35rem; color: var(--soft); font-size: .8rem; font-weight: 400; }
.seen { color: var(--soft); }
.seen b { color: var(--text); font-weight: 600; }
.fix::before { content: "\\2192\\a0"; }
.badge {
  display: inline-block; padding: 0 .5rem; border-radius: 1rem; font-size: .8rem; font-weight: 600;
}
.badge.ok { color: var(--ok); background: var(--ok-tint); }
.badge.info { color: var(--info); background: var(--info-tint); }
.badge.warning { color: var(--warning); background: var(--warning-tint); }
.badge.error { color: var(--error); background: var(--error-tint); }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .35rem .75rem .35rem 0; text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; }
thead th, tbody tr:not(:last-child) td { border-bottom: 1px solid var(--line); }
.wide { overflow-x: auto; padding: .25rem 1rem; border-radius: .5rem; background: var(--card); overflow-wrap: normal; }
.wide table { width: 100%; }
.wide .facts { width: auto; }
nav { margin-bottom: 2rem; }
nav h1 { margin-bottom: .5rem; }
footer { margin-top: 2.5rem; color: var(--soft); font-size: .85rem; }
@media print { body { background: none; } article, header, .wide { border: 1px solid var(--line); } }
`;
