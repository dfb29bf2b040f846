import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Agent } from '../../../src/runner/agents/agent.ts';
import { createClaudeCodeAgent } from '../../../src/runner/agents/claude-code.ts';
import { CODEX } from '../../../src/runner/agents/codex.ts';
import type { WrapCommand } from '../../../src/runner/sandbox/launch.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../../support/agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY } from '../../support/headless.ts';
import { type MessagesApi, startMessagesApi } from '../../support/messages-api.ts';
import { startModelApi } from '../../support/model-api.ts';
import {
  makeSandboxedMachine,
  type SandboxedMachine,
  type Try,
  whyNoSandbox,
} from '../../support/sandboxed.ts';

const FAKE_CLAUDE = path.resolve(import.meta.dirname, '../../fixtures/bin/fake-claude.mjs');
/** In a file of the workspace, so that what is found nowhere is known to have been looked for. */
const CANARY = 'a-text-that-is-there';
const NOWHERE = 'http://127.0.0.1:1';

type Options = { modelUrl: string; wrap: WrapCommand; tries?: Try[] };

/** The two ways to a model: by a port of the sandbox's own loopback, and by a socket that the command line itself knows. */
const AGENTS = {
  Codex: {
    create: ({ modelUrl, wrap, tries = [] }: Options): Agent =>
      aHeadlessAgent(CODEX, modelUrl, {
        isSandboxed: true,
        wrap,
        env: { FAKE_TRIES: JSON.stringify(tries) },
      }),
    startModel: (): Promise<MessagesApi> => startModelApi('openai', []),
    keyHeader: 'authorization',
    keyValue: `Bearer ${HEADLESS_KEY}`,
    usage: { inputTokens: 2000, outputTokens: 200, turns: 2 },
  },
  'Claude Code': {
    create: ({ modelUrl, wrap, tries = [] }: Options): Agent =>
      createClaudeCodeAgent({
        executable: FAKE_CLAUDE,
        machineEnv: { PATH: process.env['PATH'] },
        env: {
          ANTHROPIC_API_KEY: HEADLESS_KEY,
          ANTHROPIC_BASE_URL: modelUrl,
          FAKE_CLAUDE: 'asks',
          FAKE_TRIES: JSON.stringify(tries),
        },
        log: pino({ level: 'silent' }),
        clock: systemClock,
        wrap,
        isIsolated: true,
      }),
    startModel: (): Promise<MessagesApi> => startMessagesApi([{ say: 'It adds now.' }]),
    keyHeader: 'x-api-key',
    keyValue: HEADLESS_KEY,
    usage: { inputTokens: 1000, outputTokens: 100, turns: 4 },
  },
};

describe.skipIf((await whyNoSandbox()) !== null)('an agent in the sandbox', () => {
  let machine: SandboxedMachine;
  let folders: AgentFolders;
  beforeEach(async () => {
    folders = await makeAgentFolders();
    machine = await makeSandboxedMachine();
    const { needs, files } = machine;
    await writeFile(path.join(needs.workspace, 'add.js'), 'export const add = (a, b) => a - b;\n');
    await writeFile(path.join(needs.workspace, 'canary.txt'), CANARY);
    await writeFile(files.key, HEADLESS_KEY);
  });
  afterEach(async () => {
    await machine[Symbol.asyncDispose]();
    await folders[Symbol.asyncDispose]();
  });

  function aTask() {
    const {
      workspace: folder,
      home: homeFolder,
      temp: tempFolder,
      agent: agentFolder,
      readable,
    } = machine.needs;
    return anAgentTask(folders, { folder, homeFolder, tempFolder, agentFolder, readableFolders: readable });
  }

  test.each(['Codex', 'Claude Code'] as const)(
    '%s gets its model’s answer by the gateway, and the real key nowhere',
    async (name) => {
      const real = AGENTS[name];
      await using model = await real.startModel();
      const { files, needs, sandbox, folder } = machine;
      const visible = [folder, '/tmp', '/run', '/etc', '/dev/shm', '/var'];
      const toSearch = (text: string): Try => ({
        do: 'search',
        base64: Buffer.from(text).toString('base64'),
        folders: visible,
      });
      const agent = real.create({
        modelUrl: model.url,
        wrap: sandbox.wrap,
        tries: [
          { do: 'environments' },
          toSearch(HEADLESS_KEY),
          toSearch(CANARY),
          { do: 'read', path: files.key },
          { do: 'connect', host: '127.0.0.1', port: Number(new URL(model.url).port) },
        ],
      });

      const result = await agent.run(aTask());

      expect(result).toMatchObject({
        ending: 'completed',
        detail: `${name} finished its work.`,
        summary: 'It adds now.',
        usage: real.usage,
      });
      expect(model.turns().length).toBeGreaterThan(0);
      for (const { headers } of model.turns()) expect(headers[real.keyHeader]).toBe(real.keyValue);
      const tries = await readFile(path.join(needs.workspace, 'tries.json'), 'utf8');
      const [environments, keys, canaries, ...others] = JSON.parse(tries) as string[];
      expect(environments).toContain('FAKE_TRIES=');
      expect(environments).not.toContain(HEADLESS_KEY);
      expect(keys).toBe('');
      expect(new Set(canaries?.split(' '))).toEqual(new Set([path.join(needs.workspace, 'canary.txt')]));
      expect(others).toEqual(['ENOENT', 'ECONNREFUSED']);
    },
  );

  test.each(['Codex', 'Claude Code'] as const)(
    '%s whose service is dead says that, from inside',
    async (name) => {
      const agent = AGENTS[name].create({ modelUrl: NOWHERE, wrap: machine.sandbox.wrap });

      expect(await agent.run(aTask())).toMatchObject({
        ending: 'api_error',
        detail: expect.stringContaining('ECONNREFUSED'),
      });
    },
  );

  test('a gateway’s socket that is dead is an outage too', async () => {
    // A file is a socket that nobody listens on.
    const dead = path.join(folders.root, 'dead.sock');
    await writeFile(dead, '');
    const agent = AGENTS['Claude Code'].create({
      modelUrl: NOWHERE,
      wrap: (command, env, needs) => {
        const sockets = needs.sockets.map(({ inside }) => ({ file: dead, inside }));
        return machine.sandbox.wrap(command, env, { ...needs, sockets });
      },
    });

    expect(await agent.run(aTask())).toMatchObject({
      ending: 'api_error',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
