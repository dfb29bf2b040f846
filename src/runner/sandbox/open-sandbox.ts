import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { runCommand } from '../../lib/run-command.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { createBubblewrap, NO_SANDBOX, type Sandbox, type SandboxOptions } from './sandbox.ts';
import type { SandboxSettings } from './sandbox-settings.ts';

const PROBE_TIMEOUT_MS = 15_000;

export type SandboxOpening = { ok: true; sandbox: Sandbox } | { ok: false; problem: string };

/** The runner's, for its sandbox. */
export function sandboxStateFolder(workspaceRoot: string): string {
  return join(workspaceRoot, '.yardmaster', 'sandbox');
}

/** In the state folder, which nothing inside a sandbox sees: it has worked here. */
const WORKED_FILE = 'worked';

/**
 * The sandbox that the settings ask for, tried out. Where it does not work: `required` is a problem, with the way out; `preferred` goes
 * on without and says so in the log. `auto` is `required` once it has worked here, so that no update of the machine takes it away unseen.
 */
export async function openSandbox(
  options: Omit<SandboxOptions, 'settings'> & { settings: SandboxSettings; clock: Clock; log: Logger },
): Promise<SandboxOpening> {
  const { settings, log, stateFolder } = options;
  if (settings.mode === 'off') {
    log.warn({}, 'The sandbox is off: agents and tests can do all that the user of this runner may do');
    return { ok: true, sandbox: NO_SANDBOX };
  }
  const tried = await tryBubblewrap(options);
  if (tried.ok) {
    await writeFile(join(stateFolder, WORKED_FILE), '');
    if (process.getuid?.() === 0) {
      log.warn(
        {},
        'The runner is root, whose processes the kernel does not count: give it a user of its own',
      );
    }
    return tried;
  }
  const why = await whyRequired(settings.mode, stateFolder);
  if (why !== null) return { ok: false, problem: `${why} ${tried.problem}` };
  log.warn(
    { problem: tried.problem },
    'NO SANDBOX: agents and tests can do all that the user of this runner may do; mend it, or set sandbox: off',
  );
  return { ok: true, sandbox: NO_SANDBOX };
}

/** Why nothing may run without a sandbox that does not work; `null` = it may. */
export async function whyRequired(
  mode: Exclude<SandboxSettings['mode'], 'off'>,
  stateFolder: string,
): Promise<string | null> {
  switch (mode) {
    case 'required':
      return 'sandbox is required in runner.yml, but does not work here.';
    case 'preferred':
      return null;
    case 'auto': {
      const hasWorked = await access(join(stateFolder, WORKED_FILE)).then(
        () => true,
        () => false,
      );
      return hasWorked
        ? 'The sandbox has worked on this machine, and does not any more. Mend it; to go on without it, write sandbox: preferred in runner.yml.'
        : null;
    }
    default:
      return mode satisfies never;
  }
}

/** Bubblewrap, tried out; the problem names the way out. */
export async function tryBubblewrap(options: SandboxOptions & { clock: Clock }): Promise<SandboxOpening> {
  if (process.platform !== 'linux') {
    return { ok: false, problem: `It needs Linux; this is ${process.platform}.` };
  }
  const created = await createBubblewrap(options);
  if (!created.ok) return { ok: false, problem: describeMissing(created.missing) };

  const probe = join(options.stateFolder, 'probe');
  await mkdir(probe, { recursive: true });
  const launch = await created.sandbox.wrap(
    ['true'],
    { PATH: options.machineEnv['PATH'] ?? '' },
    { workspace: probe, home: probe, temp: probe, readable: [], programs: [], sockets: [], network: 'none' },
  );
  const result = await runCommand({
    ...launch,
    cwd: probe,
    timeoutMs: PROBE_TIMEOUT_MS,
    maxOutputBytes: 4096,
    clock: options.clock,
  });
  if (result.exitCode === 0) return created;
  const words = result.spawnError?.message ?? toOneLine(result.outputTail, 500);
  return { ok: false, problem: describeFailure(words) };
}

function describeMissing(program: string): string {
  switch (program) {
    case 'bwrap':
      return 'There is no bubblewrap: install it (apt-get install bubblewrap, dnf install bubblewrap).';
    case 'prlimit':
      return 'There is no prlimit: install util-linux.';
    case 'sh':
      return 'There is no shell: put /bin on the PATH.';
    default:
      return `There is no ${program}: install coreutils.`;
  }
}

/** What the usual causes look like differs with kernel and version, so all ways out are named. */
function describeFailure(words: string): string {
  return [
    `bubblewrap says: ${words}.`,
    'It needs bubblewrap 0.8 or newer, coreutils 8.31 or newer, and unprivileged user namespaces.',
    'On Ubuntu 24.04 and newer AppArmor forbids these: give /usr/bin/bwrap a profile with "userns,", or set',
    'kernel.apparmor_restrict_unprivileged_userns=0. On older Debian: kernel.unprivileged_userns_clone=1.',
    "In Docker: start the runner's container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined",
    '--security-opt systempaths=unconfined, or run it on a machine of its own.',
  ].join(' ');
}
