/**
 * What `config check` says about who can read the secret and the passwords of a fleet: the service must, and nobody
 * else should. Root can read everything, so only the modes tell.
 *
 * @module
 */

import { hidePassword } from "../config/secrets.ts";
import { isShared } from "../config/shared.ts";
import type { Config } from "../config/types.ts";
import { missingCredential } from "../daemon/fleet_files.ts";
import type { ConfigFinding } from "./config_finding.ts";

const SUBJECT = "permissions";

/** Read permission for the group, and for others. */
const GROUP_READS = 0o040;
const OTHERS_READ = 0o004;

/** Whether the configuration file itself has a password of the engine. */
export function holdsPassword({ cache: { shared } }: Pick<Config, "cache">): boolean {
  const { url, password } = shared;
  return password !== undefined || url !== undefined && hidePassword(url) !== url;
}

/** The findings about the files of `cache.shared`, and about a configuration file with a password in it. */
export function fleetFileFindings(config: Config): ConfigFinding[] {
  const { shared } = config.cache;
  if (!isShared(shared)) return [];
  const { secretFile, passwordFile, sentinelPasswordFile } = shared;
  const files = [secretFile, passwordFile, sentinelPasswordFile].filter((file) =>
    file !== undefined
  );
  const isRoot = Deno.uid() === 0 && missingCredential(shared) === undefined;
  return [...openFindings(config), ...(isRoot ? files.flatMap(rootOnlyFindings) : [])];
}

function openFindings(config: Config): ConfigFinding[] {
  const { file } = config;
  if (file === undefined || !holdsPassword(config)) return [];
  const { mode } = Deno.statSync(file);
  if (mode === null || (mode & OTHERS_READ) === 0) return [];
  const text = `${file} holds the password of the engine, and every user can read it: keep it in ` +
    "cache.shared.password_file";
  return [{ kind: "warning", subject: SUBJECT, text }];
}

/** The service has a user and a group of its own. */
function rootOnlyFindings(file: string): ConfigFinding[] {
  const { mode, uid, gid } = Deno.statSync(file);
  if (mode === null || uid !== 0) return [];
  if ((mode & GROUP_READS) !== 0 && gid !== 0) return [];
  const text =
    `${file} can be read by root alone, and the service does not run as root: hand it over ` +
    "with LoadCredential= in the unit, see docs/fleet.md";
  return [{ kind: "warning", subject: SUBJECT, text }];
}
