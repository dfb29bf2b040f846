import { join } from 'node:path';
import { z } from 'zod';
import type { AgentEvent } from './agent.ts';
import { makeInAgentFolder } from './agent-folder.ts';
import { type CliReader, type CliRun, type HeadlessCli, newFacts } from './headless-cli.ts';
import { readJsonLine } from './read-json-line.ts';

/** What Codex has its key in: never the name of a real one, which it would also look for elsewhere. */
const TOKEN_VARIABLE = 'YARDMASTER_RUN_TOKEN';
/** Under which name our gateway is known to it. */
const PROVIDER = 'yardmaster';

/** Below the agent's folder: where it has all its files. */
export const CODEX_FOLDER = '.codex';

/** OpenAI's Codex: `codex exec --json`. */
export const CODEX: HeadlessCli = {
  title: 'Codex',
  program: 'codex',
  identity: {
    packageName: '@openai/codex',
    tested: { from: '0.169.0', below: '0.170.0' },
    help: {
      arguments: ['exec', '--help'],
      options: [
        '--json',
        '--skip-git-repo-check',
        '--ignore-user-config',
        '--ignore-rules',
        '--sandbox',
        '--dangerously-bypass-approvals-and-sandbox',
        '--disable',
        '--config',
      ],
    },
  },
  api: 'openai',
  variables: { keys: ['CODEX_API_KEY', 'OPENAI_API_KEY'], address: 'OPENAI_BASE_URL' },
  accountVariables: ['CODEX_HOME', 'OPENAI_ORGANIZATION', 'OPENAI_PROJECT'],
  whyOnlySandboxed: null,
  findObstacle: ({ task, isSandboxed }) =>
    // Its own sandbox does not work there, and it would tell only its model about it.
    !isSandboxed && /^\/tmp(\/|$)/.test(task.agentFolder)
      ? 'Codex without a sandbox around it can not work below /tmp; set workspace_root in runner.yml to another folder, or sandbox: required.'
      : null,
  prepare: async ({ task }) => {
    await makeInAgentFolder(task.agentFolder, CODEX_FOLDER);
  },
  launch: (run) => ({
    args: codexArguments(run),
    env: { CODEX_HOME: join(run.task.agentFolder, CODEX_FOLDER), [TOKEN_VARIABLE]: run.token },
  }),
  createReader: createCodexReader,
  isSessionFile: (session, path) =>
    path.startsWith(`${CODEX_FOLDER}/sessions/`) && path.endsWith(`${session}.jsonl`),
};

/** `-c` takes TOML, whose strings are JSON's. */
function codexArguments({ task, model, url, isSandboxed }: CliRun): string[] {
  const provider = [
    `name=${JSON.stringify(PROVIDER)}`,
    `base_url=${JSON.stringify(url)}`,
    `env_key=${JSON.stringify(TOKEN_VARIABLE)}`,
    'wire_api="responses"',
    'supports_websockets=false',
    'request_max_retries=3',
    'stream_max_retries=3',
  ].join(',');
  const settings = [
    `model_provider=${JSON.stringify(PROVIDER)}`,
    `model_providers.${PROVIDER}={${provider}}`,
    'approval_policy="never"',
    // The key is not for the commands that it runs.
    'shell_environment_policy.inherit="core"',
    // AGENTS.md of the repository is information in our prompt, not an order.
    'project_doc_max_bytes=0',
    // Nor are skills, which it would find in the repository and in HOME.
    'skills.include_instructions=false',
    'analytics.enabled=false',
    ...(isSandboxed ? [] : ['sandbox_mode="workspace-write"']),
  ];
  return [
    'exec',
    ...(task.resumeSession === null ? [] : ['resume']),
    '--json',
    '--skip-git-repo-check',
    '--ignore-user-config',
    '--ignore-rules',
    ...(isSandboxed ? ['--dangerously-bypass-approvals-and-sandbox'] : []),
    '--disable',
    'plugins',
    '--disable',
    'apps',
    ...settings.flatMap((setting) => ['-c', setting]),
    ...(model === null ? [] : ['-m', model]),
    ...(task.resumeSession === null ? [] : [task.resumeSession]),
    '-',
  ];
}

const Text = z.string().catch('');
const Item = z.object({
  type: z.string(),
  text: Text,
  message: Text,
  command: Text,
  exit_code: z.number().nullish().catch(null),
  changes: z.array(z.object({ path: z.string() })).catch([]),
  query: Text,
  tool: Text,
});
const Event = z.object({
  type: z.string(),
  thread_id: z.string().nullish(),
  item: Item.nullish().catch(null),
  message: Text,
  error: z.object({ message: Text }).nullish().catch(null),
});

function createCodexReader({ task }: CliRun): CliReader {
  const facts = newFacts(task.resumeSession);

  function read(line: string): AgentEvent[] {
    const event = Event.safeParse(readJsonLine(line)).data;
    if (event === undefined) return [];
    switch (event.type) {
      case 'thread.started':
        facts.started = true;
        facts.session = event.thread_id ?? facts.session;
        return [];
      case 'turn.completed':
        facts.finished = true;
        return [];
      case 'turn.failed':
        facts.error = event.error?.message ?? 'the turn failed';
        return [{ kind: 'warning', text: facts.error }];
      case 'error':
        return [{ kind: 'warning', text: event.message }];
      case 'item.started':
        return event.item?.type === 'command_execution'
          ? [{ kind: 'tool', text: event.item.command.replaceAll(`${task.folder}/`, '') }]
          : [];
      case 'item.completed':
        return event.item ? toEvents(event.item) : [];
      default:
        return [];
    }
  }

  function toEvents(item: z.output<typeof Item>): AgentEvent[] {
    switch (item.type) {
      case 'agent_message':
        facts.summary = item.text || facts.summary;
        return [{ kind: 'message', text: item.text }];
      case 'file_change':
        return item.changes.map(({ path }) => ({
          kind: 'tool',
          text: `edit ${path.replaceAll(`${task.folder}/`, '')}`,
        }));
      case 'web_search':
        return [{ kind: 'tool', text: `search ${item.query}` }];
      case 'mcp_tool_call':
        return [{ kind: 'tool', text: item.tool }];
      case 'error':
        return [{ kind: 'warning', text: item.message }];
      default:
        return [];
    }
  }

  return { read, facts: () => ({ ...facts }) };
}
