/**
 * Signs a file with a key of OpenSSH, and checks the signature as whoever downloads it will. The key stays where it is.
 *
 * @module
 */

/** Who signs, in `allowed_signers` and in the command that verifies. */
export const SIGNER = "mta-sts-resolver";

/** What the signature is for: ssh-keygen keeps signatures of files apart from those of commits. */
const NAMESPACE = "file";

/**
 * Writes `<file>.sig`, and the public key in the form that `ssh-keygen -Y verify` reads.
 *
 * @param options `key`: a private key, or the public one of a key that ssh-agent holds; `signers`: path to write.
 * @throws {Error} If the key cannot be read, or the signature is not valid.
 */
export function signFile(
  file: string,
  { key, signers }: { readonly key: string; readonly signers: string },
): void {
  keygen(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", key, file]);
  Deno.writeTextFileSync(
    signers,
    `${SIGNER} namespaces="${NAMESPACE}" ${readPublicKey(key)}\n`,
  );
  const how = ["-n", NAMESPACE, "-f", signers, "-I", SIGNER, "-s", `${file}.sig`];
  keygen(["-Y", "verify", "-q", ...how], Deno.readFileSync(file));
}

/** Type and key, without the comment, which may name a person or a machine. */
function readPublicKey(key: string): string {
  const text = Deno.readTextFileSync(key);
  const line = /^(?:ssh|ecdsa|sk)-/.test(text) ? text : keygen(["-y", "-f", key]);
  return line.split(" ").slice(0, 2).join(" ").trimEnd();
}

/** Runs ssh-keygen; a passphrase is asked for at the terminal. @returns What it prints. */
function keygen(args: readonly string[], input?: Uint8Array<ArrayBuffer>): string {
  const path = Deno.makeTempFileSync();
  try {
    if (input !== undefined) Deno.writeFileSync(path, input);
    const { success, stdout } = new Deno.Command("sh", {
      args: ["-c", 'exec ssh-keygen "$@" <"$INPUT"', "ssh-keygen", ...args],
      env: { INPUT: input === undefined ? "/dev/null" : path },
      stderr: "inherit",
    }).outputSync();
    if (!success) throw new Error(`ssh-keygen ${args[1]} failed`);
    return new TextDecoder().decode(stdout);
  } finally {
    Deno.removeSync(path);
  }
}
