import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import { type CommandResult, runCommand, type RunCommandOptions } from '../../src/lib/run-command.ts';
import type { LaunchNeeds } from '../../src/runner/sandbox/launch.ts';
import { openSandbox } from '../../src/runner/sandbox/open-sandbox.ts';
import type { Sandbox } from '../../src/runner/sandbox/sandbox.ts';
import { type SandboxSettings, toSandboxSettings } from '../../src/runner/sandbox/sandbox-settings.ts';

const SILENT = pino({ level: 'silent' });
const ESCAPE = path.resolve(import.meta.dirname, '../fixtures/bin/try-to-escape.mjs');
/** Nobody that a machine knows. */
const STRANGER = 64_321;

/** One try to get out, for `try-to-escape.mjs`. */
export type Try =
  | { do: 'read' | 'list' | 'write'; path: string }
  | { do: 'connect'; host: string; port: number }
  | { do: 'fork'; count: number }
  | { do: 'fill'; path: string; bytes: number }
  | { do: 'open'; count: number }
  | { do: 'search'; base64: string; folders: string[] }
  | { do: 'environments' };

/** A machine with a runner on it: its secrets, its mirrors, the workspace of one attempt and of another. */
export type SandboxedMachine = Awaited<ReturnType<typeof makeSandboxedMachine>>;

/**
 * Why there is no sandbox on this machine; `null` = there is. Says it loudly, since it means that tests are skipped. Throws where that must
 * not be: on a machine that is there to test it (`YARDMASTER_TESTS_NEED_SANDBOX=1`).
 */
export async function whyNoSandbox(): Promise<string | null> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sandbox-probe-'));
  try {
    const opening = await open(
      folder,
      toSandboxSettings('required', (name) => name),
      [],
    );
    if (opening.ok) return null;
    if (process.env['YARDMASTER_TESTS_NEED_SANDBOX'] === '1')
      throw new Error(`No sandbox here: ${opening.problem}`);
    process.stderr.write(`\n*** SKIPPED, the sandbox is NOT tested: ${opening.problem}\n\n`);
    return opening.problem;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function makeSandboxedMachine(settings: Partial<SandboxSettings> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'sandboxed-'));
  const root = path.join(folder, 'root');
  const at = (name: string): string => path.join(folder, name);
  const ours = { workspace: 'work', home: 'home', temp: 'temp', agent: 'agent' };
  const files = {
    config: at('runner.yml'),
    key: at('root/.yardmaster/runner-key.json'),
    journal: at('root/.yardmaster/journal/attempt.json'),
    neighbour: at(`root/attempts/theirs/${ours.workspace}/secret.txt`),
    privateGit: at('root/private/ours.git/config'),
    object: at('root/mirrors/1.git/objects/pack/object'),
    mirrorConfig: at('root/mirrors/1.git/config'),
    otherMirror: at('root/mirrors/2.git/config'),
    tool: at('tools/tool.txt'),
    toolSecret: at('tools/secret.txt'),
  };
  for (const [name, file] of Object.entries(files)) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `content of ${name}`);
  }
  const needs: LaunchNeeds & { agent: string } = {
    workspace: at(`root/attempts/ours/${ours.workspace}`),
    home: at(`root/attempts/ours/${ours.home}`),
    temp: at(`root/attempts/ours/${ours.temp}`),
    agent: at(`root/attempts/ours/${ours.agent}`),
    readable: [at('root/mirrors/1.git/objects')],
    programs: [],
    sockets: [],
    network: 'none',
  };
  const writable = [needs.workspace, needs.home, needs.temp, needs.agent];
  for (const made of writable) await mkdir(made, { recursive: true });
  const merged = { ...toSandboxSettings('required', (name) => name), readable: [at('tools')], ...settings };
  const opening = await open(root, merged, [files.config, files.key, files.toolSecret]);
  if (!opening.ok) throw new Error(opening.problem);
  const { sandbox } = opening;

  /** Runs a command inside; answers what `runCommand` does. */
  async function run(
    command: string[],
    options: Partial<LaunchNeeds & RunCommandOptions> & { asStranger?: boolean } = {},
  ): Promise<CommandResult> {
    const env = { PATH: process.env['PATH'] ?? '', HOME: needs.home, TMPDIR: needs.temp, ...options.env };
    const launch = await sandbox.wrap(command, env, { ...needs, ...options });
    const before = options.asStranger ? await becomeStranger() : [];
    return await runCommand({
      cwd: needs.workspace,
      timeoutMs: 20_000,
      maxOutputBytes: 256 * 1024,
      keepStdout: true,
      ...options,
      ...launch,
      command: [...before, ...launch.command],
    });
  }

  /** The kernel counts no processes of root, so what is limited by number must not be root. */
  async function becomeStranger(): Promise<string[]> {
    if (process.getuid?.() !== 0) return [];
    for (const made of writable) await chown(made, STRANGER, STRANGER);
    await chmod(folder, 0o711);
    return ['setpriv', `--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups'];
  }

  return {
    folder,
    files,
    needs,
    sandbox,
    run,
    /** What came of each try: `ok`, what was found, or the error's code. */
    async tryAll(tries: Try[], options: Parameters<typeof run>[1] = {}): Promise<string[]> {
      const result = await run([process.execPath, ESCAPE], {
        programs: [ESCAPE],
        input: JSON.stringify(tries),
        ...options,
      });
      if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}: ${result.outputTail}`);
      return JSON.parse(result.stdout ?? '') as string[];
    },
    list: (name: string) => readdir(at(name)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function open(
  root: string,
  settings: SandboxSettings,
  secretPaths: string[],
): Promise<{ ok: true; sandbox: Sandbox } | { ok: false; problem: string }> {
  return await openSandbox({
    settings,
    machineEnv: { PATH: process.env['PATH'] },
    homeFolder: process.env['HOME'] ?? '/root',
    workspaceRoot: root,
    secretPaths,
    stateFolder: path.join(root, '.yardmaster', 'sandbox'),
    nodeExecutable: process.execPath,
    clock: systemClock,
    log: SILENT,
  });
}
