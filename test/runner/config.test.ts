import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RUNNER_VARIABLES } from '../../src/runner/config-environment.ts';
import { toConfigTemplate } from '../../src/runner/config-template.ts';
import {
  type ConfigReading,
  explainConfigProblems,
  parseRunnerConfig,
  readRunnerConfig,
} from '../../src/runner/config.ts';

/** The file of nine keys that people have. */
const NINE_KEYS = `
agent_id: "backend-specialist-001"
hostname: "192.168.1.11"
coordinator_url: "http://192.168.1.10:8080"
specialties:
  - backend
  - api
  - database
  - python
workspace_root: "/opt/claude-agent/workspaces"
max_concurrent_tasks: 2
github:
  token: "ghp_your_token_here"
  ssh_key: "/home/claude/.ssh/id_rsa"
claude_code:
  version: "latest"
  config_path: "/home/claude/.claude-config"
logging:
  level: "INFO"
  file: "/opt/claude-agent/logs/agent.log"
`;
const LEAST = `
agent_id: be-1
coordinator_url: http://127.0.0.1:8080
specialties: [backend]
workspace_root: work
`;

describe('the file of nine keys', () => {
  test('loads unchanged, with defaults for everything else', () => {
    const reading = parse(NINE_KEYS);

    expect(reading).toMatchObject({
      ok: true,
      config: {
        agentId: 'backend-specialist-001',
        hostname: '192.168.1.11',
        coordinatorUrl: 'http://192.168.1.10:8080',
        specialties: ['backend', 'api', 'database', 'python'],
        workspaceRoot: '/opt/claude-agent/workspaces',
        maxConcurrentTasks: 2,
        keepWorkspacesHours: 72,
        github: { token: null, sshKey: null },
        claudeCode: {
          version: 'latest',
          configPath: '/home/claude/.claude-config',
          executable: null,
        },
        logging: { level: 'info', file: '/opt/claude-agent/logs/agent.log' },
        agents: {},
        health: { host: '127.0.0.1', port: 8000 },
        keyFile: '/opt/claude-agent/workspaces/.yardmaster/runner-key.json',
      },
    });
  });

  test('gives a warning for the token of the example, and for a key that is not there', () => {
    const reading = parse(NINE_KEYS);

    expect(reading.ok && reading.warnings).toEqual([
      expect.stringContaining('github.token is the placeholder'),
      expect.stringContaining('github.ssh_key: /home/claude/.ssh/id_rsa does not exist'),
    ]);
  });
});

describe('a short file', () => {
  test('takes host name, capacity and paths from the machine and from where it lies', () => {
    const reading = parse(`${LEAST}claude_code: { config_path: ~/.claude }`);

    expect(reading).toMatchObject({
      ok: true,
      warnings: [],
      config: {
        hostname: 'this-machine',
        maxConcurrentTasks: 2,
        keepWorkspacesHours: 72,
        workspaceRoot: '/etc/yardmaster/work',
        claudeCode: { configPath: '/home/me/.claude' },
        logging: { level: 'info', file: null },
      },
    });
  });

  test.each([
    ['INFO', 'info'],
    ['Warning', 'warn'],
    ['DEBUG', 'debug'],
    ['CRITICAL', 'fatal'],
  ])('takes the level %s for %s', (name, level) => {
    const reading = parse(`${LEAST}logging: { level: ${name} }`);

    expect(reading.ok && reading.config.logging.level).toBe(level);
  });

  test('turns the health server off by false, and takes port 0', () => {
    const off = parse(`${LEAST}health: false`);
    const anyPort = parse(`${LEAST}health: { port: 0 }`);

    expect(off.ok && off.config.health).toBe(null);
    expect(anyPort.ok && anyPort.config.health).toEqual({ host: '127.0.0.1', port: 0 });
  });
});

describe('the sandbox', () => {
  test.each([
    ['', { mode: 'auto', readable: [], registries: true, hosts: [], repositoryHosts: [] }],
    ['sandbox: preferred', { mode: 'preferred' }],
    ['sandbox: { repository_hosts: any }', { repositoryHosts: 'any' }],
    ['sandbox: { repository_hosts: ["*.example.com"] }', { repositoryHosts: ['*.example.com'] }],
    ['sandbox: required', { mode: 'required' }],
    ['sandbox: "off"', { mode: 'off' }],
    // What a file from before there was a sandbox says.
    ['sandbox: none', { mode: 'off' }],
    ['sandbox: { readable: [~/.cargo, tools] }', { readable: ['/home/me/.cargo', '/etc/yardmaster/tools'] }],
    [
      'sandbox: { mode: required, registries: false, hosts: ["*.example.com"], limits: { file_mb: 1 } }',
      { mode: 'required', registries: false, hosts: ['*.example.com'], limits: { fileBytes: 1_048_576 } },
    ],
  ])('%j', (line, sandbox) => {
    expect(parse(`${LEAST}${line}`)).toMatchObject({ ok: true, config: { sandbox } });
  });

  test('keeps what the file says beside the mode when the mode comes from the environment', () => {
    const reading = parse(`${LEAST}sandbox: { registries: false }`, {
      YARDMASTER_RUNNER_SANDBOX: 'required',
    });

    expect(reading).toMatchObject({ ok: true, config: { sandbox: { mode: 'required', registries: false } } });
  });
});

describe('mistakes', () => {
  test.each([
    ['an unknown key', `${LEAST}agnets: {}`, 'line 6, agnets: there is no such key; did you mean "agents"?'],
    [
      'an unknown key in a section',
      `${LEAST}logging:\n  levl: INFO`,
      'line 7, logging.levl: there is no such key; did you mean "level"?',
    ],
    [
      'an unknown key in a section that may be false',
      `${LEAST}health: { prot: 1 }`,
      'line 6, health.prot: there is no such key; did you mean "port"?',
    ],
    [
      'an unknown level',
      `${LEAST}logging: { level: LOUD }`,
      'line 6, logging.level: "LOUD" is no level; use one of trace, debug, info, warn, error, fatal, silent',
    ],
    [
      'no name',
      LEAST.replace('agent_id: be-1', ''),
      'agent_id: is missing: a name for this runner, such as backend-1',
    ],
    [
      'a name with spaces',
      LEAST.replace('be-1', 'my runner'),
      'line 2, agent_id: must be 1 to 100 of letters, digits, . _ - and start with a letter or digit',
    ],
    [
      'no address',
      LEAST.replace('http://127.0.0.1:8080', 'localhost'),
      'line 3, coordinator_url: must be the address of the coordinator, such as http://192.168.1.10:8080',
    ],
    [
      'a password in the address',
      LEAST.replace('http://', 'http://me:secret@'),
      'line 3, coordinator_url: must not hold a user name or password',
    ],
    [
      'no specialty',
      LEAST.replace('[backend]', '[]'),
      'line 4, specialties: must name at least one specialty, such as backend',
    ],
    [
      'a specialty in capitals',
      LEAST.replace('[backend]', '[backend, DevOps]'),
      'line 4, specialties.1: must be 1 to 50 of a-z 0-9 . _ - and start with a letter or digit',
    ],
    ['no room', `${LEAST}max_concurrent_tasks: 0`, 'line 6, max_concurrent_tasks: must be at least 1'],
    [
      'a sandbox that is not there',
      `${LEAST}sandbox: bubblewrap`,
      'line 6, sandbox: must be auto, required, preferred or off, or a map with mode, readable, registries, hosts, repository_hosts and limits',
    ],
    [
      'a host that is none',
      `${LEAST}sandbox: { hosts: ["https://example.com"] }`,
      'line 6, sandbox.hosts.0: must be a host such as registry.example.com',
    ],
    [
      'all hosts in one',
      `${LEAST}sandbox: { repository_hosts: "*" }`,
      'line 6, sandbox.repository_hosts: must be any, or a list of hosts',
    ],
    [
      'a sandbox in which the runner would show itself',
      `${LEAST}sandbox: { readable: [/] }`,
      "sandbox.readable: / holds the runner's own state in /etc/yardmaster/work; name only",
    ],
    [
      'a limit that nothing can keep to',
      `${LEAST}sandbox: { limits: { processes: 0 } }`,
      'line 6, sandbox.limits.processes: must be at least 1',
    ],
    ['an unknown transport', `${LEAST}transport: pigeon`, 'line 6, transport: must be coordinator or github'],
    ['GitHub without the App', `${LEAST}transport: github`, 'github_app'],
    [
      'a port out of range',
      `${LEAST}health: { port: 70000 }`,
      'line 6, health.port: must be a port, 0 to 65535',
    ],
    [
      'a default agent that is not there',
      `${LEAST}agents: { house: { kind: command, command: [/bin/agent] } }\ndefault_agent: hose`,
      'default_agent: there is no agent "hose"; did you mean "house"?',
    ],
    [
      'an agent without its kind',
      `${LEAST}agents: { house: { kind: comand, command: [/bin/agent] } }`,
      'line 6, agents.house.kind: must be claude, codex, gemini, opencode, acp or command',
    ],
    [
      'an agent that is only named',
      `${LEAST}agents: { house: codex }`,
      'line 6, agents.house: must be a map with its kind, such as { kind: codex }',
    ],
    ['text instead of keys', '- a\n- b', 'line 1: must be keys with values'],
    ['broken YAML', `${LEAST}github: {`, 'line 6: '],
  ])('%s is told with key, line and fix', (_, text, problem) => {
    const reading = parse(text);

    expect(reading.ok).toBe(false);
    expect(!reading.ok && reading.problems).toEqual([expect.stringContaining(problem)]);
  });

  test('are told all at once, in one text', () => {
    const reading = parse('agent_id: be-1\nspecialtys: [backend]\nmax_concurrent_tasks: many\n');

    const text = explainConfigProblems('runner.yml', reading.ok ? [] : reading.problems);

    expect(text.split('\n')[0]).toBe('runner.yml needs a look:');
    expect(text).toContain('line 2, specialtys: there is no such key; did you mean "specialties"?');
    expect(text).toContain('line 3, max_concurrent_tasks: must be a whole number from 1 to 100');
    expect(text).toContain('coordinator_url: is missing');
    expect(text).toContain('workspace_root: is missing');
  });
});

describe('the environment', () => {
  test('goes before the file', () => {
    const reading = parse(LEAST, {
      YARDMASTER_RUNNER_AGENT_ID: 'be-2',
      YARDMASTER_RUNNER_SPECIALTIES: 'frontend, testing',
      YARDMASTER_RUNNER_MAX_CONCURRENT_TASKS: '5',
      YARDMASTER_RUNNER_LOGGING_LEVEL: 'debug',
      YARDMASTER_RUNNER_HEALTH_PORT: '0',
    });

    expect(reading).toMatchObject({
      ok: true,
      config: {
        agentId: 'be-2',
        specialties: ['frontend', 'testing'],
        maxConcurrentTasks: 5,
        logging: { level: 'debug' },
        health: { port: 0 },
      },
    });
  });

  test('is named instead of a line when its value is wrong', () => {
    const reading = parse(LEAST, { YARDMASTER_RUNNER_MAX_CONCURRENT_TASKS: 'many' });

    expect(!reading.ok && reading.problems).toEqual([
      'YARDMASTER_RUNNER_MAX_CONCURRENT_TASKS: must be a whole number from 1 to 100',
    ]);
  });

  test('is warned about when nobody knows the variable', () => {
    const reading = parse(LEAST, { YARDMASTER_RUNNER_LOG_LEVEL: 'debug' });

    expect(reading.ok && reading.warnings).toEqual([
      expect.stringContaining('did you mean YARDMASTER_RUNNER_LOGGING_LEVEL?'),
    ]);
  });

  test('has only variables for keys that exist', () => {
    for (const { name, reading } of RUNNER_VARIABLES) {
      const value = { text: '1', number: '1', list: 'a' }[reading];

      const parsed = parse(LEAST, { [name]: value });

      expect(parsed.ok ? [] : parsed.problems).not.toContainEqual(expect.stringContaining('no such key'));
    }
  });
});

describe('a file on disk', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'runner-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('that is not there leads to enrolment', async () => {
    const reading = await readRunnerConfig({ ...sources({}), file: path.join(folder, 'none.yml') });

    expect(!reading.ok && reading.problems[0]).toContain('yardmaster runner enroll');
  });

  test('as enrolment writes it loads, whatever the names hold', async () => {
    const file = path.join(folder, 'runner.yml');
    writeFileSync(
      file,
      toConfigTemplate({
        sandboxMode: 'required',
        agentId: 'be-1',
        hostname: 'host: "with\nodd # text',
        coordinatorUrl: 'http://127.0.0.1:1',
        specialties: ['backend'],
        workspaceRoot: './workspaces',
      }),
    );

    const reading = await readRunnerConfig({ ...sources({}), file });

    expect(reading).toMatchObject({
      ok: true,
      warnings: [],
      config: { hostname: 'host: "with\nodd # text', workspaceRoot: path.join(folder, 'workspaces') },
    });
  });
});

function parse(text: string, variables: Record<string, string> = {}): ConfigReading {
  return parseRunnerConfig(text, sources(variables));
}

function sources(variables: Record<string, string>) {
  return {
    file: '/etc/yardmaster/runner.yml',
    variables,
    machine: { hostname: 'this-machine', homeFolder: '/home/me' },
  };
}
