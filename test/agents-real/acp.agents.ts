import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAcpCli } from '../../src/runner/agents/acp.ts';
import type { ModelApiName } from '../../src/runner/sandbox/model-apis.ts';
import { type AgentFolders, anAgentTask, makeAgentFolders } from '../support/agent-folders.ts';
import { aHeadlessAgent, HEADLESS_KEY, realAgentPath } from '../support/headless.ts';
import { type ModelTurn, type RecordedRequest, startMessagesApi } from '../support/messages-api.ts';
import { startModelApi } from '../support/model-api.ts';
import { makeSandboxedMachine, type SandboxedMachine, whyNoSandbox } from '../support/sandboxed.ts';

type Case = {
  name: string;
  program: string | null;
  args: string[];
  api: ModelApiName;
  keyHeader: string;
  command(line: string): ModelTurn;
  env: Record<string, string>;
  /** How a later round ends that is to go on with its session. */
  again: { ending: string; summary: string };
  /** As the agent calls it. */
  model: string;
};

const CASES: Case[] = [
  {
    name: 'Gemini CLI',
    program: realAgentPath('gemini'),
    args: ['--acp', '--skip-trust'],
    model: 'gemini-2.5-pro',
    // It says "No previous sessions found for this project" there, and does find it without a sandbox.
    again: { ending: 'crashed', summary: '' },
    api: 'gemini',
    keyHeader: 'x-goog-api-key',
    command: (command) => ({
      use: [{ tool: 'run_shell_command', input: { command, description: 'as scripted' } }],
    }),
    env: { GEMINI_CLI_NO_RELAUNCH: 'true' },
  },
  {
    name: 'opencode',
    program: realAgentPath('opencode'),
    args: ['acp'],
    model: 'anthropic/claude-sonnet-4-5',
    again: { ending: 'completed', summary: 'Looked again.' },
    api: 'anthropic',
    keyHeader: 'x-api-key',
    command: (command) => ({ use: [{ tool: 'bash', input: { command, description: 'as scripted' } }] }),
    env: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        enabled_providers: ['anthropic'],
        small_model: 'anthropic/claude-sonnet-4-5',
        provider: { anthropic: { options: { baseURL: '{model_url}/v1', apiKey: '{model_token}' } } },
        permission: { bash: 'ask' },
      }),
      OPENCODE_DISABLE_AUTOUPDATE: '1',
    },
  },
];
const whyNot = await whyNoSandbox();

describe.each(CASES)('$name by the Agent Client Protocol', (real) => {
  const { program } = real;
  if (program === null) process.stderr.write(`\n*** SKIPPED: ${real.name} could not be had\n\n`);
  let machine: SandboxedMachine;
  let folders: AgentFolders;
  beforeEach(async () => {
    folders = await makeAgentFolders();
    machine = await makeSandboxedMachine();
    await writeFile(path.join(machine.needs.workspace, 'add.js'), 'export const add = (a, b) => a - b;\n');
  });
  afterEach(async () => {
    await machine[Symbol.asyncDispose]();
    await folders[Symbol.asyncDispose]();
  });

  test.skipIf(program === null || whyNot !== null)('fixes a file, and goes on with its session', async () => {
    const turns: ModelTurn[] = [
      { say: 'I read the code first.', ...real.command("sed -i 's/a - b/a + b/' add.js && cat add.js") },
      { say: 'It adds now.' },
      { say: 'Looked again.' },
    ];
    // Who asks without tools wants a name for the session.
    const script = ({ body }: RecordedRequest): ModelTurn =>
      (body.includes('"tools"') ? turns.shift() : undefined) ?? { say: 'A name' };
    await using model = await (real.api === 'gemini'
      ? startModelApi('gemini', script)
      : startMessagesApi(script));
    const { env } = real;
    const command: [string, ...string[]] = [program ?? '', ...real.args];
    const agent = aHeadlessAgent(createAcpCli({ name: 'other', command, api: real.api, env }), model.url, {
      executable: program ?? '',
      isSandboxed: true,
      wrap: machine.sandbox.wrap,
      env,
      model: real.model,
    });
    const {
      workspace: folder,
      home: homeFolder,
      temp: tempFolder,
      agent: agentFolder,
      readable: readableFolders,
    } = machine.needs;
    const task = (more: object) =>
      anAgentTask(folders, {
        folder,
        homeFolder,
        tempFolder,
        agentFolder,
        readableFolders,
        maxMs: 100_000,
        idleMs: 60_000,
        ...more,
      });

    const fitness = await agent.preflight();
    const aTask = task({});
    const first = await agent.run(aTask);
    const second = await agent.run(task({ prompt: 'Look again.', resumeSession: first.session }));

    expect(fitness).toMatchObject({ ok: true, version: expect.stringMatching(/^\d/) });
    expect(first).toMatchObject({
      ending: 'completed',
      summary: 'It adds now.',
      session: expect.any(String),
    });
    expect(await readFile(path.join(folder, 'add.js'), 'utf8')).toContain('a + b');
    expect(aTask.events.map(({ text }) => text).join('\n')).toContain('sed -i');
    expect(second).toMatchObject(real.again);
    const bodies = model.turns().map(({ body }) => body);
    expect(bodies.at(-1), 'it remembers').toContain('I read the code first.');
    expect(bodies.join('\n')).not.toContain(HEADLESS_KEY);
    for (const { headers } of model.turns()) expect(headers[real.keyHeader]).toBe(HEADLESS_KEY);
  });
});
