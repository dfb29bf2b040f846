/** What git may learn from the machine: where programs are, and how to get out through a proxy. */
const PASSED_ON = [
  'PATH',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
] as const;

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * The environment of every git command: nobody's configuration, ignore rules, attributes, hooks or prompts, English
 * messages, and no protocol that runs a program or reads a folder of this machine.
 */
export function gitEnvironment(
  machine: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = machine[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: DEFAULT_PATH,
    ...Object.fromEntries(passedOn),
    // No file lies below it: no ~/.gitconfig, ~/.netrc, ~/.config/git/ignore.
    HOME: '/dev/null',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https',
  };
}

/** Where a repository is fetched from and pushed to, and what opens it. */
export type Remote = {
  url: string;
  /** A fresh credential for one command. */
  access: { kind: 'token'; token: string } | { kind: 'ssh'; keyFile: string };
};

/**
 * What a command that talks to a remote gets on top. The credential travels in the environment: arguments and the
 * remote's address can be read by everybody on the machine, and end up in logs.
 */
export function remoteEnvironment({ url, access }: Remote): Record<string, string> {
  if (access.kind === 'ssh') {
    return {
      GIT_ALLOW_PROTOCOL: 'ssh',
      // Git takes no argument array here; inside single quotes a shell takes everything but a quote as it is.
      GIT_SSH_COMMAND: `ssh -i '${access.keyFile.replaceAll("'", `'\\''`)}' -o IdentitiesOnly=yes -o BatchMode=yes`,
    };
  }
  if (access.token === '') return {};
  return {
    GIT_CONFIG_COUNT: '1',
    // Only for this host, so that no other address can ask for it.
    GIT_CONFIG_KEY_0: `http.${new URL(url).origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${toBasic(access.token)}`,
  };
}

/** The values that must not be shown when a command of this remote fails. */
export function secretsOf({ access }: Remote): string[] {
  return access.kind === 'token' && access.token !== '' ? [access.token, toBasic(access.token)] : [];
}

function toBasic(token: string): string {
  return Buffer.from(`x-access-token:${token}`).toString('base64');
}
