/**
 * The name of a domain in its own script (RFC 5890 §2.3.2), to be shown beside its A-labels.
 *
 * @module
 */

import { domainToUnicode } from "node:url";
import { toDomainName } from "./domain.ts";

/** Letters, digits and the marks on them, hyphens and underscores. So nothing invisible, no space, no bidi control. */
const SHOWN = /^(?!\p{M})[\p{L}\p{M}\p{N}_-]+$/u;

/** Letters and marks that show nothing, such as the Hangul filler and variation selectors. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/u;

const A_LABEL = /(?:^|\.)xn--/;

/**
 * The U-labels of a domain.
 *
 * @param domain Lower-case A-labels.
 * @returns `undefined` if it has none, if they do not lead back to the same A-labels, or if they hold anything
 *   but letters, marks, digits and hyphens that can be seen.
 */
export function toULabels(domain: string): string | undefined {
  if (!A_LABEL.test(domain)) return undefined;
  const shown = domainToUnicode(domain);
  const isSafe = shown !== domain && toDomainName(shown) === domain && !UNSEEN.test(shown) &&
    shown.split(".").every((label) => SHOWN.test(label));
  return isSafe ? shown : undefined;
}
