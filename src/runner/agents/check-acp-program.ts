import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../lib/run-command.ts';
import { toOneLine } from '../../lib/strip-control.ts';
import { INITIALIZE, Initialized } from './acp-conversation.ts';
import type { AgentPreflight } from './agent.ts';
import { agentEnvironment } from './agent-environment.ts';
import type { ProgramQuestion } from './headless-cli.ts';
import { createRpcPeer } from './json-rpc.ts';

/** Some take ten seconds to start. */
const GREETING_MS = 60_000;
const MAX_OUTPUT_BYTES = 8 * 1024;
const KILL_GRACE_MS = 2000;

/** Says hello to a program: does it start, does it speak the protocol, who is it? */
export async function checkAcpProgram(
  options: ProgramQuestion & { title: string; args: readonly string[] },
): Promise<AgentPreflight> {
  const { executable, title } = options;
  const fix = `Look at the command of the agent "${title}" in runner.yml: many programs speak the protocol only with an option, such as acp or --acp`;
  const folder = await mkdtemp(join(tmpdir(), 'agent-preflight-'));
  const heard = new AbortController();
  const peer = createRpcPeer({ onRequest: () => null, onNotice: () => undefined });
  const greeting: { found: AgentPreflight | null } = { found: null };
  peer.ask('initialize', INITIALIZE, (answer) => {
    greeting.found = judgeGreeting('result' in answer ? answer.result : answer.error.message);
    peer.end();
    heard.abort();
  });
  try {
    const ran = await runCommand({
      command: [executable, ...options.args],
      cwd: folder,
      env: {
        ...agentEnvironment(options.machineEnv, { homeFolder: folder, tempFolder: folder }),
        ...options.env,
      },
      input: peer.output,
      timeoutMs: GREETING_MS,
      killGraceMs: KILL_GRACE_MS,
      signal: heard.signal,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      onLine: (line, stream) => {
        if (stream === 'stdout') peer.hear(line);
      },
      clock: options.clock,
    });
    if (greeting.found !== null) return greeting.found;
    const words = ran.spawnError?.message ?? toOneLine(ran.outputTail, 200);
    return { ok: false, reason: `${title} does not speak the Agent Client Protocol: ${words}`, fix };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }

  function judgeGreeting(answer: unknown): AgentPreflight {
    const parsed = Initialized.safeParse(answer);
    if (!parsed.success) {
      const words = typeof answer === 'string' ? toOneLine(answer, 200) : 'its greeting can’t be understood';
      return { ok: false, reason: `${title} does not speak the Agent Client Protocol: ${words}`, fix };
    }
    const { protocolVersion, agentInfo } = parsed.data;
    if (protocolVersion !== INITIALIZE.protocolVersion) {
      const reason = `${title} speaks version ${protocolVersion} of the Agent Client Protocol, the runner ${INITIALIZE.protocolVersion}`;
      return { ok: false, reason, fix: 'Install a version of it that speaks the runner’s' };
    }
    const version = toOneLine(agentInfo?.version ?? '', 100);
    return { ok: true, version: version === '' ? null : version };
  }
}
