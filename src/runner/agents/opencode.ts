import { z } from 'zod';
import type { ModelApiName } from '../sandbox/model-apis.ts';
import type { AgentEvent } from './agent.ts';
import { prepareXdgFolders, toXdgVariables } from './agent-folder.ts';
import { type CliReader, type CliRun, type HeadlessCli, newFacts } from './headless-cli.ts';
import { readJsonLine } from './read-json-line.ts';

/** Its own name for whoever serves an API, where its models begin with it, and what comes after the gateway's address. */
const PROVIDERS = {
  anthropic: { id: 'anthropic', path: '/v1', keys: ['ANTHROPIC_API_KEY'], address: 'ANTHROPIC_BASE_URL' },
  openai: { id: 'openai', path: '', keys: ['OPENAI_API_KEY'], address: 'OPENAI_BASE_URL' },
  gemini: {
    id: 'google',
    path: '/v1beta',
    keys: ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    address: 'GOOGLE_GEMINI_BASE_URL',
  },
} as const;

/** Its name in the XDG base directories. */
export const OPENCODE = 'opencode';

/** opencode, with its models from one service: `opencode run --format json`. */
export function createOpencodeCli(api: ModelApiName): HeadlessCli {
  const provider = PROVIDERS[api];

  /** It names models with their provider. */
  function toModel(model: string): string {
    return model.includes('/') ? model : `${provider.id}/${model}`;
  }

  return {
    title: 'opencode',
    program: 'opencode',
    identity: {
      packageName: 'opencode-ai',
      tested: { from: '1.18.33', below: '1.19.0' },
      help: {
        arguments: ['run', '--help'],
        options: ['--format', '--auto', '--model', '--session', '--title'],
      },
    },
    api,
    variables: { keys: provider.keys, address: provider.address },
    // Every other key is a provider that it would find by itself.
    accountVariables: [
      ...Object.values(PROVIDERS).flatMap(({ keys, address }) => [...keys, address]),
      'OPENCODE_CONFIG',
      'OPENCODE_CONFIG_CONTENT',
      'OPENCODE_CONFIG_DIR',
      'OPENCODE_API_KEY',
    ],
    whyOnlySandboxed:
      'opencode runs what the repository says (plugins, tools, formatters), and no option keeps it from that',
    // Work that it sums up in between goes on after an end.
    endsByItself: true,
    findObstacle: ({ model }) =>
      model === null || toModel(model).startsWith(`${provider.id}/`)
        ? null
        : `opencode reaches only models of ${provider.id} here, and ${model} is none; correct the model, or api: of the agent in runner.yml.`,
    prepare: ({ task }) => prepareXdgFolders(task, [OPENCODE]),
    launch: ({ task, model, url, token }) => ({
      args: [
        ['run', '--format', 'json', '--auto'],
        // A name of its own would cost a question.
        task.resumeSession === null ? ['--title', 'Yardmaster'] : ['--session', task.resumeSession],
        model === null ? [] : ['--model', toModel(model)],
      ].flat(),
      env: {
        OPENCODE_CONFIG_CONTENT: JSON.stringify({
          enabled_providers: [provider.id],
          provider: { [provider.id]: { options: { baseURL: `${url}${provider.path}`, apiKey: token } } },
          ...(model === null ? {} : { model: toModel(model), small_model: toModel(model) }),
          share: 'disabled',
          autoupdate: false,
          snapshot: false,
        }),
        ...toXdgVariables(task.agentFolder),
        // Where it also looks for `.opencode`, `.claude` and `.agents`.
        OPENCODE_TEST_HOME: task.agentFolder,
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
        OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        OPENCODE_DISABLE_PROJECT_CONFIG: '1',
        OPENCODE_DISABLE_CLAUDE_CODE: '1',
        OPENCODE_DISABLE_EXTERNAL_SKILLS: '1',
      },
    }),
    createReader: createOpencodeReader,
    // No `isSessionFile`: all its sessions are in one database, with permissions and whatever else it obeys.
  };
}

const Text = z.string().catch('');
const Part = z.object({
  text: Text,
  tool: Text,
  state: z
    .object({ title: Text, input: z.record(z.string(), z.unknown()).catch({}) })
    .catch({ title: '', input: {} }),
  reason: Text,
  cost: z.number().nonnegative().catch(0),
});
const Event = z.object({
  type: z.string(),
  sessionID: z.string().nullish().catch(null),
  part: Part.nullish().catch(null),
  error: z
    .object({ name: Text, data: z.object({ message: Text }).catch({ message: '' }) })
    .nullish()
    .catch(null),
});

function createOpencodeReader({ task }: CliRun): CliReader {
  const facts = newFacts(task.resumeSession);

  function read(line: string): AgentEvent[] {
    const event = Event.safeParse(readJsonLine(line)).data;
    if (event === undefined) return [];
    facts.session = event.sessionID ?? facts.session;
    const { part, error } = event;
    switch (event.type) {
      case 'step_start':
        facts.started = true;
        facts.finished = false;
        return [];
      case 'text':
        facts.summary = part?.text || facts.summary;
        return [{ kind: 'message', text: part?.text ?? '' }];
      case 'tool_use':
        return part ? [{ kind: 'tool', text: describeTool(part, task.folder) }] : [];
      case 'step_finish':
        facts.costUsd = (facts.costUsd ?? 0) + (part?.cost ?? 0);
        facts.finished = part?.reason === 'stop';
        return [];
      case 'error':
        facts.error = [error?.name, error?.data.message].filter((word) => word).join(': ') || 'it failed';
        return [{ kind: 'warning', text: facts.error }];
      default:
        return [];
    }
  }

  return { read, facts: () => ({ ...facts }) };
}

function describeTool({ tool, state }: z.output<typeof Part>, folder: string): string {
  const about = ['command', 'filePath', 'path', 'pattern', 'url'].find(
    (key) => typeof state.input[key] === 'string',
  );
  const words = about === undefined ? state.title : String(state.input[about]);
  return `${tool} ${words}`.replaceAll(`${folder}/`, '');
}
