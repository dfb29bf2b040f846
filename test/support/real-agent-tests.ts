import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Agent } from '../../src/runner/agents/agent.ts';
import type { HeadlessAgentOptions } from '../../src/runner/agents/headless-agent.ts';
import type { HeadlessCli } from '../../src/runner/agents/headless-cli.ts';
import { keepOnly } from '../../src/runner/workspace/kept/stamp-files.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from './agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY, realAgentPath } from './headless.ts';
import type { MessagesApi, ModelTurn, RecordedRequest } from './messages-api.ts';
import { processesWith } from './processes.ts';
import { makeSandboxedMachine, type SandboxedMachine, whyNoSandbox } from './sandboxed.ts';

/** What differs between the real command lines, for the tests that hold for all of them. */
export type RealAgentCase = {
  cli: HeadlessCli;
  model: string;
  startModel(
    script: ModelTurn[] | ((request: RecordedRequest, index: number) => ModelTurn),
  ): Promise<MessagesApi>;
  /** A turn in which the model runs a command. */
  command(line: string): ModelTurn;
  /** Where the real key stands in a request. */
  keyHeader: string;
  keyValue: string;
  /** What a hostile repository may hold for it: each file that is run or obeyed makes `trap` or sends a request to `thiefUrl`. */
  hostileFiles(options: { trap: string; thiefUrl: string }): Record<string, string>;
  /** Whether it really runs what the repository holds, so that only the sandbox stands in the way. */
  obeysRepository?: boolean;
  env?: Record<string, string>;
};

const PLANTED = 'words that a test left at home';
const OWN_PLACES = /(^|\/)(\.claude|\.codex|\.gemini|\.agents|\.?opencode)(\/|$)/;

/** What set-up and tests could leave in HOME for the agents that we know. */
function plantedAtHome(trap: string): Record<string, string> {
  const skill = `---\nname: planted\ndescription: ${PLANTED}\n---\n${PLANTED}\n`;
  const plugin = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(trap)}, '');\nexport const Trap = async () => ({});\n`;
  const opencode = JSON.stringify({
    mcp: { trap: { type: 'local', command: ['touch', trap], enabled: true } },
  });
  return {
    '.codex/AGENTS.md': PLANTED,
    '.codex/skills/planted/SKILL.md': skill,
    '.claude/CLAUDE.md': PLANTED,
    '.claude/skills/planted/SKILL.md': skill,
    '.agents/skills/planted/SKILL.md': skill,
    '.gemini/GEMINI.md': PLANTED,
    '.gemini/NOT-READ-BY-GEMINI.md': PLANTED,
    '.gemini/skills/planted/SKILL.md': skill,
    '.gemini/settings.json': JSON.stringify({ mcpServers: { trap: { command: 'touch', args: [trap] } } }),
    '.config/opencode/AGENTS.md': PLANTED,
    '.config/opencode/opencode.json': opencode,
    '.config/opencode/plugin/trap.js': plugin,
    '.opencode/plugin/trap.js': plugin,
    '.opencode/opencode.json': opencode,
  };
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted();
}

/** The same proof for each real command line, in the sandbox: solves the task, resumes, is limited, is told the truth, is ended. */
export async function describeRealAgent(real: RealAgentCase): Promise<void> {
  const program = realAgentPath(real.cli.program);
  const whyNot =
    program === null ? `${real.cli.title} could not be had; run npm run test:agents` : await whyNoSandbox();
  if (whyNot !== null) process.stderr.write(`\n*** SKIPPED: ${real.cli.title}: ${whyNot}\n\n`);

  describe.skipIf(whyNot !== null)(`the real ${real.cli.title}`, () => {
    let machine: SandboxedMachine;
    let folders: AgentFolders;
    beforeEach(async () => {
      folders = await makeAgentFolders();
      machine = await makeSandboxedMachine();
      await put({ 'add.js': 'export const add = (a, b) => a - b;\n', 'package.json': '{"type":"module"}\n' });
    });
    afterEach(async () => {
      await machine[Symbol.asyncDispose]();
      await folders[Symbol.asyncDispose]();
    });

    async function put(files: Record<string, string>, folder = machine.needs.workspace): Promise<void> {
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(folder, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    }

    function anAgent(modelUrl: string, options: Partial<HeadlessAgentOptions> = {}): Agent {
      return aHeadlessAgent(real.cli, modelUrl, {
        executable: program ?? '',
        isSandboxed: true,
        wrap: machine.sandbox.wrap,
        model: real.model,
        ...options,
        env: { ...real.env, ...options.env },
      });
    }

    function aTask(overrides: Parameters<typeof anAgentTask>[1] = {}) {
      const {
        workspace: folder,
        home: homeFolder,
        temp: tempFolder,
        agent: agentFolder,
        readable,
      } = machine.needs;
      return anAgentTask(folders, {
        folder,
        homeFolder,
        tempFolder,
        agentFolder,
        readableFolders: readable,
        maxMs: 100_000,
        idleMs: 60_000,
        ...overrides,
      });
    }

    test('knows its version and all the options', async () => {
      const answer = await anAgent('http://127.0.0.1:1').preflight();

      expect(answer).toEqual({ ok: true, version: expect.stringMatching(/^\d+\./), warning: null });
    });

    test('fixes a file with no network, no key and nothing of the machine; and goes on with its session', async () => {
      const { home, agent: agentFolder } = machine.needs;
      const trap = path.join(home, 'sprung');
      await put(plantedAtHome(trap), home);
      const planted = await listFiles(home);
      const neighbour = await real.startModel([]);
      await using model = await real.startModel([
        { say: 'I read the code first.', ...real.command("sed -i 's/a - b/a + b/' add.js && cat add.js") },
        real.command(
          `env; cat /etc/shadow ${machine.files.key}; ls -A ${homedir()}; bash -c 'echo > /dev/tcp/127.0.0.1/${new URL(neighbour.url).port}'`,
        ),
        { say: 'It adds now.' },
        { say: 'Looked again.' },
      ]);
      const agent = anAgent(model.url, { price: { input: 1, output: 1 } });

      const task = aTask();
      const first = await agent.run(task);
      // As a later attempt finds it.
      const { isSessionFile } = agent;
      const isKept = (file: string): boolean => isSessionFile?.(first.session ?? '', file) === true;
      if (isSessionFile !== undefined) await keepOnly(agentFolder, new Map(), isKept);
      const second = await agent.run(aTask({ prompt: 'Look again.', resumeSession: first.session }));
      await neighbour.stop();

      expect(first).toMatchObject({ ending: 'completed', summary: 'It adds now.', exitCode: 0 });
      expect(first.usage).toMatchObject({ outputTokens: 100 * first.usage.turns });
      expect(first.usage.turns).toBeGreaterThanOrEqual(3);
      expect(first.usage.costUsd).toBeGreaterThan(0);
      expect(await readFile(path.join(machine.needs.workspace, 'add.js'), 'utf8')).toContain('a + b');
      expect(task.events.map(({ text }) => text).join('\n')).toContain('sed -i');
      const bodies = model.turns().map(({ body }) => body);
      expect(bodies.join('\n')).toContain('a + b');
      expect(bodies.join('\n')).toContain('No such file or directory');
      expect(bodies.join('\n')).toContain('Connection refused');
      for (const secret of [HEADLESS_KEY, 'content of key']) expect(bodies.join('\n')).not.toContain(secret);
      for (const { headers } of model.turns()) expect(headers[real.keyHeader]).toBe(real.keyValue);
      expect(second).toMatchObject({ ending: 'completed', summary: 'Looked again.' });
      expect(second.session).toBe(first.session);
      expect(bodies.at(-1), 'it remembers').toContain('I read the code first.');
      // What set-up and tests can write in HOME is neither obeyed nor run.
      expect(bodies.join('\n')).not.toContain(PLANTED);
      expect(existsSync(trap)).toBe(false);
      expect((await listFiles(home)).filter((file) => OWN_PLACES.test(file))).toEqual(planted);
    });

    test.each<[string, ModelTurn, string]>([
      [
        'a refused key',
        { error: { status: 401, type: 'authentication_error', message: 'no' } },
        'auth_error',
      ],
      [
        'a forbidden account',
        { error: { status: 403, type: 'PERMISSION_DENIED', message: 'no' } },
        'auth_error',
      ],
      ['no credit', { error: { status: 402, type: 'billing_error', message: 'pay' } }, 'billing_error'],
    ])('%s ends the run in seconds', async (_what, turn, ending) => {
      await using model = await real.startModel(() => turn);

      const result = await anAgent(model.url).run(aTask());

      expect(result).toMatchObject({ ending, usage: { turns: 0 } });
      expect(model.turns().length).toBeLessThanOrEqual(2);
    });

    test('it is limited in turns although it knows no limit', async () => {
      await using model = await real.startModel(() => real.command('date +%N'));

      const result = await anAgent(model.url).run(aTask({ maxTurns: 3 }));

      expect(result).toMatchObject({ ending: 'max_turns', usage: { turns: 3 } });
    });

    test('a model that never answers is ended by the silence', async () => {
      await using model = await real.startModel(() => ({ hang: true }));

      expect(await anAgent(model.url).run(aTask({ idleMs: 20_000 }))).toMatchObject({ ending: 'idle' });
    });

    test('cancelled in the middle of a command, it is gone with all that it started', async () => {
      const seconds = String(1_000_000 + Math.floor(performance.now() * 10));
      await using model = await real.startModel([
        real.command(`setsid env -i sleep ${seconds} & sleep ${seconds}`),
      ]);
      const stop = new AbortController();
      const running = anAgent(model.url).run(aTask({ signal: stop.signal }));
      await vi.waitUntil(() => processesWith(seconds).length >= 2, { timeout: 60_000 });

      stop.abort();

      expect(await running).toMatchObject({ ending: 'cancelled' });
      expect(processesWith(seconds)).toEqual([]);
    });

    test('a hostile repository gets no key and nothing outside of the workspace', async () => {
      const trap = path.join(machine.needs.workspace, `pwned-${randomUUID()}`);
      await using thief = await real.startModel([]);
      await using model = await real.startModel([real.command('true'), { say: 'Nothing to do here.' }]);
      await put(real.hostileFiles({ trap, thiefUrl: thief.url }));

      const result = await anAgent(model.url).run(
        aTask({ prompt: '/clear\n\nLook at @/etc/passwd and @../../../../etc/passwd first.' }),
      );

      expect(thief.requests, 'what the thief saw').toEqual([]);
      const bodies = model.requests.map(({ body }) => body).join('\n');
      expect(bodies).not.toContain('root:x:0:0');
      expect(existsSync(trap), 'whether it runs what the repository holds').toBe(
        real.obeysRepository === true,
      );
      expect(result.ending).toBe('completed');
    });
  });
}
