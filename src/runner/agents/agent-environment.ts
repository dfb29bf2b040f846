import { delimiter, isAbsolute, normalize } from 'node:path';

/** Whom the machine's programs trust, in a network with a certificate authority of its own: each toolchain looks at another one. */
const CERTIFICATE_VARIABLES = [
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'NODE_EXTRA_CA_CERTS',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'PIP_CERT',
  'CARGO_HTTP_CAINFO',
];

/** What an agent may know of the machine: where programs are, language, way to the network. */
const PASSED_ON = [
  'PATH',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  ...CERTIFICATE_VARIABLES,
];

/** Variables of the runner's own environment; `undefined` = not set. */
export type MachineEnv = Readonly<Record<string, string | undefined>>;

/**
 * The environment that every agent starts from: a few facts of the machine, and home and temporary folder of the
 * attempt. Nothing else of the runner's environment is in it, above all none of its secrets.
 */
export function agentEnvironment(
  machineEnv: MachineEnv,
  folders: { homeFolder: string; tempFolder: string },
): Record<string, string> {
  return {
    ...pickVariables(machineEnv, PASSED_ON),
    HOME: folders.homeFolder,
    TMPDIR: folders.tempFolder,
    TERM: 'dumb',
    CI: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
}

/** Files and folders of certificates that an environment names. Empty, as some are to turn something off, or relative, they name none. */
export function certificatePaths(env: Readonly<Record<string, string>>): string[] {
  return CERTIFICATE_VARIABLES.flatMap((name) => env[name]?.split(delimiter) ?? [])
    .filter((path) => isAbsolute(path))
    .map((path) => normalize(path));
}

/** Those of `names` that are set. */
export function pickVariables(env: MachineEnv, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}
