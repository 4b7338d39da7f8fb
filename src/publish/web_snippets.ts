/**
 * Web server configurations that publish one policy file (RFC 8461 §3.3): one name, one path,
 * `text/plain`, no redirect, TLS 1.2 or later (§7.2).
 *
 * @module
 */

import { POLICY_PATH, policyHost } from "../sts/domain.ts";

/** The web servers with a snippet. */
export const WEB_SERVERS = ["nginx", "apache", "caddy"] as const;

/** A web server with a snippet. */
export type WebServer = (typeof WEB_SERVERS)[number];

/** What {@link formatSnippet} needs. */
export interface SnippetOptions {
  /** Lower-case A-labels. */
  readonly domain: string;
  /** Absolute path of the policy file, without characters that need quoting inside double quotes. */
  readonly file: string;
}

/** The snippet for a server, in whole lines. */
export function formatSnippet(server: WebServer, options: SnippetOptions): string {
  return SNIPPETS[server]({ ...options, host: policyHost(options.domain) });
}

/** Whether a path can stand between double quotes in all of the snippets. */
export function isPlainPath(path: string): boolean {
  return /^\/[A-Za-z0-9/._ +@,=-]*$/.test(path);
}

type Write = (options: SnippetOptions & { readonly host: string }) => string;

const SNIPPETS: Readonly<Record<WebServer, Write>> = {
  nginx: ({ host, file }) =>
    `server {
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name ${host};
    ssl_certificate     /etc/letsencrypt/live/${host}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/${host}/privkey.pem;
    ssl_protocols TLSv1.2 TLSv1.3;

    location = ${POLICY_PATH} {
        alias "${file}";
        types { }
        default_type text/plain;
    }
    location / {
        return 404;
    }
}
`,
  apache: ({ host, file }) =>
    `<VirtualHost *:443>
    ServerName ${host}
    SSLEngine on
    SSLCertificateFile    /etc/letsencrypt/live/${host}/fullchain.pem
    SSLCertificateKeyFile /etc/letsencrypt/live/${host}/privkey.pem
    SSLProtocol -all +TLSv1.2 +TLSv1.3

    Alias "${POLICY_PATH}" "${file}"
    <Location "/">
        Require all denied
    </Location>
    <Location "${POLICY_PATH}">
        Require all granted
        ForceType text/plain
    </Location>
</VirtualHost>
`,
  caddy: ({ host, file }) => {
    const slash = file.lastIndexOf("/");
    return `${host} {
	handle ${POLICY_PATH} {
		root * "${file.slice(0, slash) || "/"}"
		rewrite * "${file.slice(slash)}"
		header Content-Type text/plain
		file_server
	}
	handle {
		respond 404
	}
}
`;
  },
};
