import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentEvent } from './agent.ts';
import { makeInAgentFolder } from './agent-folder.ts';
import { type CliReader, type CliRun, type HeadlessCli, newFacts } from './headless-cli.ts';
import { createPiecedText } from './pieced-text.ts';
import { readJsonLine } from './read-json-line.ts';

/** Google's Gemini CLI, without a terminal. */
export const GEMINI: HeadlessCli = {
  title: 'Gemini CLI',
  program: 'gemini',
  identity: {
    packageName: '@google/gemini-cli',
    tested: { from: '0.61.0', below: '0.62.0' },
    help: {
      arguments: ['--help'],
      options: ['--output-format', '--approval-mode', '--skip-trust', '--model', '--resume', '--extensions'],
    },
  },
  api: 'gemini',
  variables: { keys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'], address: 'GOOGLE_GEMINI_BASE_URL' },
  accountVariables: [
    'GOOGLE_APPLICATION_CREDENTIALS',
    'GOOGLE_CLOUD_PROJECT',
    'GOOGLE_CLOUD_LOCATION',
    'GOOGLE_GENAI_USE_VERTEXAI',
    'GOOGLE_GENAI_USE_GCA',
    'GOOGLE_VERTEX_BASE_URL',
    'CODE_ASSIST_ENDPOINT',
    'GEMINI_CLI_HOME',
    'GEMINI_CLI_SYSTEM_SETTINGS_PATH',
  ],
  whyOnlySandboxed: 'Gemini CLI runs commands without asking, and only a sandbox around it confines them',
  prepare: async ({ task }) => {
    const file = join(await makeInAgentFolder(task.agentFolder, '.gemini'), 'settings.json');
    await rm(file, { force: true, recursive: true });
    await writeFile(file, JSON.stringify(SETTINGS), { mode: 0o600, flag: 'wx' });
  },
  launch: ({ task, model, url, token }) => ({
    args: [
      ['--output-format', 'stream-json', '--approval-mode', 'yolo', '--skip-trust'],
      ['--extensions', 'none'],
      model === null ? [] : ['--model', model],
      task.resumeSession === null ? [] : ['--resume', task.resumeSession],
    ].flat(),
    env: {
      GEMINI_API_KEY: token,
      GOOGLE_GEMINI_BASE_URL: url,
      GEMINI_CLI_HOME: task.agentFolder,
      // Otherwise it starts itself anew with more memory, and the first of the two is deaf to signals.
      GEMINI_CLI_NO_RELAUNCH: 'true',
    },
  }),
  createReader: createGeminiReader,
  isSessionFile: isGeminiSessionFile,
};

/**
 * The conversation, and those of its helpers: `.gemini/tmp/<project>/chats/session-<time>-<first 8 of its id>.jsonl` and `…/chats/<id>/<helper>.jsonl`.
 * What else it keeps of a project, it makes anew, under the same name.
 */
function isGeminiSessionFile(session: string, path: string): boolean {
  const name = /^\.gemini\/tmp\/[^/]+\/chats\/(.+\.jsonl)$/.exec(path)?.[1] ?? '';
  const [first, helper, ...more] = name.split('/');
  if (helper !== undefined) return first === session && more.length === 0;
  return name.startsWith('session-') && name.endsWith(`-${session.slice(0, 8)}.jsonl`);
}

/** A user's: a repository's own go before them. Those of an administrator would not, but must lie where only root can write. */
const SETTINGS = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  // GEMINI.md of the repository is information in our prompt, not an order.
  context: { fileName: 'NOT-READ-BY-GEMINI.md' },
  hooksConfig: { enabled: false },
  skills: { enabled: false },
  ide: { enabled: false },
};

const Text = z.string().catch('');
const Event = z.object({
  type: z.string(),
  session_id: z.string().nullish().catch(null),
  role: Text,
  content: Text,
  tool_name: Text,
  parameters: z.record(z.string(), z.unknown()).catch({}),
  severity: Text,
  message: Text,
  status: Text,
  error: z.object({ type: Text, message: Text }).nullish().catch(null),
});
type Event = z.output<typeof Event>;

function createGeminiReader({ task }: CliRun): CliReader {
  const facts = newFacts(task.resumeSession);
  const saying = createPiecedText();

  function read(line: string): AgentEvent[] {
    const event = Event.safeParse(readJsonLine(line)).data;
    if (event === undefined) return [];
    if (event.type === 'message' && event.role === 'assistant') {
      saying.add(event.content);
      return [];
    }
    return [...endSaying(), ...see(event)];
  }

  function endSaying(): AgentEvent[] {
    const text = saying.take();
    if (text === '') return [];
    facts.summary = text;
    return [{ kind: 'message', text }];
  }

  function see(event: Event): AgentEvent[] {
    switch (event.type) {
      case 'init':
        facts.started = true;
        facts.session = event.session_id ?? facts.session;
        return [];
      case 'tool_use':
        return [{ kind: 'tool', text: describeTool(event, task.folder) }];
      case 'error':
        return [{ kind: 'warning', text: event.message }];
      case 'result':
        facts.finished = event.status === 'success';
        if (facts.finished) return [];
        facts.error = event.error?.message || 'it gave no reason';
        if (event.error?.type === 'FatalTurnLimitedError') facts.ending = 'max_turns';
        return [{ kind: 'warning', text: facts.error }];
      default:
        return [];
    }
  }

  return { read, facts: () => ({ ...facts }) };
}

function describeTool({ tool_name: name, parameters }: Event, folder: string): string {
  const about = ['command', 'file_path', 'path', 'dir_path', 'pattern', 'query'].find(
    (key) => typeof parameters[key] === 'string',
  );
  const words = about === undefined ? name : `${name} ${String(parameters[about])}`;
  return words.replaceAll(`${folder}/`, '');
}
