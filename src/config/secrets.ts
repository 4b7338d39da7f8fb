/**
 * Passwords in the configuration: what must not be printed is written as `***`. A file with that in the place of a
 * password is refused, so that the output of `config show` is not taken for a configuration by mistake.
 *
 * @module
 */

/** Stands for a password that is not shown. */
export const HIDDEN_PASSWORD = "***";

/** A user and a password before the last `@` of a URL, or of what should be one. */
const USER_INFO = /^([A-Za-z][A-Za-z0-9+.-]*:\/*[^:@/?#]*):(?:[^?]*@|.*@)/;

/** Arguments of a URL that are passwords. */
const URL_ARGUMENT = /([?&](?:password|sslpassword|ssl_password)=)[^&]*/g;

/** The same in the `key = 'value'` of libpq. */
const PAIR =
  /((?:^|[ \t\r\n])(?:password|sslpassword)[ \t\r\n]*=[ \t\r\n]*)(?:'(?:[^'\\]|\\[^])*'|(?:[^ \t\r\n\\]|\\[^])*)/g;

/** Stands behind an argument in both. */
const HIDDEN_ARGUMENT = /password[ \t]*=[ \t]*\*\*\*(?=[& \t\r\n]|$)/;

/** Takes the passwords out of a URL, or of text that was meant to be one. */
export function hidePassword(text: string): string {
  const hidden = `$1${HIDDEN_PASSWORD}`;
  return text.includes("://")
    ? text.replace(USER_INFO, `$1:${HIDDEN_PASSWORD}@`).replaceAll(URL_ARGUMENT, hidden)
    : text.replaceAll(PAIR, hidden);
}

/** Whether a password of a URL was taken out. */
export function hidesPassword(url: string): boolean {
  return url.includes(`:${HIDDEN_PASSWORD}@`) || HIDDEN_ARGUMENT.test(url);
}
