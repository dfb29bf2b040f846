import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { hasRole, type Repository, type World } from '../world.ts';
import type { Access } from '../access/access.ts';
import { actorName, type Actor } from '../access/actor.ts';
import type { Authenticator } from '../access/authenticate.ts';
import { tokenReaches } from '../access/installation-tokens.ts';
import { permissionsCover } from '../access/permission-level.ts';
import { ApiError } from '../http/api-error.ts';
import type { Faults } from '../http/faults.ts';
import type { RefChanges } from '../actions/ref-changes.ts';
import type { Rules } from '../actions/rules.ts';
import { decodePackets, encodePacket, flushPacket } from './pkt-line.ts';
import { withRefusalReasons } from './receive-report.ts';
import type { Git } from './run-git.ts';
import { hookVariables } from './update-hook.ts';

const pathPattern = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

type Service = 'git-upload-pack' | 'git-receive-pack';

/** Whether a path is one of git's smart HTTP protocol. */
export function isGitPath(path: string): boolean {
  return pathPattern.test(path);
}

/** Clone, fetch and push over HTTP, with the checks GitHub makes; git itself does the rest. */
export function createSmartHttp(deps: {
  world: World;
  git: Git;
  access: Access;
  authenticator: Authenticator;
  refChanges: RefChanges;
  rules: Rules;
  faults: Faults;
  /** Aborted when the stand-in stops: nobody waits out a delay then. */
  stopped: AbortSignal;
}) {
  const { world, git, access, authenticator, refChanges, rules, faults, stopped } = deps;

  /** Answers the request; never throws for what a client can cause. */
  async function handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const match = pathPattern.exec(url.pathname);
    const operation = match?.[3];
    const service = operation === 'info/refs' ? url.searchParams.get('service') : operation;
    if (!match || (service !== 'git-upload-pack' && service !== 'git-receive-pack')) {
      refuse(response, 403, 'Please upgrade your git client.');
      return;
    }
    let repository, actor, fate;
    try {
      actor = authenticator.byHeader(request.headers.authorization);
      fate = await hit(request, response, url, actor);
      if (fate === 'over') return;
      repository = permit(actor, world.repository(`${match[1]}/${match[2]}`), service);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refuse(response, error.status, error.message);
      return;
    }
    response.setHeader('cache-control', 'no-cache, max-age=0, must-revalidate');
    if (operation === 'info/refs') await advertise(request, response, repository, service);
    else if (service === 'git-upload-pack') await upload(request, response, repository);
    else await receive(request, response, repository, actor, fate === 'cut');
  }

  /** Lets a fault hit the request. `over`: it ended here; `cut`: it shall be done, but the answer be lost. */
  async function hit(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    actor: Actor,
  ): Promise<'over' | 'cut' | 'spared'> {
    const fault = faults.take({
      method: request.method ?? 'GET',
      path: url.pathname,
      actor: actorName(actor),
    });
    if (fault?.delayMs !== undefined) await sleep(fault.delayMs, undefined, { signal: stopped });
    if (fault?.breakSocket === 'before') {
      request.socket.destroy();
      return 'over';
    }
    if (fault?.status !== undefined) {
      refuse(response, fault.status, `Fault on demand: ${fault.status}`);
      return 'over';
    }
    return fault?.breakSocket === 'after' ? 'cut' : 'spared';
  }

  /** The repository, or the error that GitHub's git server answers with. */
  function permit(actor: Actor, repository: Repository | undefined, service: Service): Repository {
    if (actor.kind === 'app') throw new ApiError(401, 'Invalid username or token.');
    const pushes = service === 'git-receive-pack';
    if (actor.kind === 'anonymous' && (pushes || !repository || repository.private)) {
      throw new ApiError(401, 'Authentication required.');
    }
    if (!repository || !access.maySee(actor, repository)) throw new ApiError(404, 'Repository not found.');
    if (!mayUse(actor, repository, pushes)) {
      const who = actor.kind === 'anonymous' ? 'anonymous' : actor.account.login;
      throw new ApiError(
        403,
        pushes
          ? `Permission to ${repository.owner.login}/${repository.name}.git denied to ${who}.`
          : 'Write access to repository not granted.',
      );
    }
    if (pushes && repository.archived) {
      throw new ApiError(403, 'This repository was archived so it is read-only.');
    }
    return repository;
  }

  function mayUse(actor: Actor, repository: Repository, pushes: boolean): boolean {
    if (!pushes && !repository.private) return true;
    if (actor.kind === 'installation') {
      const wanted = { contents: pushes ? 'write' : 'read' } as const;
      return (
        tokenReaches(world, actor.token, repository) && permissionsCover(actor.token.permissions, wanted)
      );
    }
    return actor.kind === 'user' && hasRole(repository, actor.account, pushes ? 'write' : 'read');
  }

  function protocolVariables(request: IncomingMessage): Record<string, string> {
    const protocol = request.headers['git-protocol'];
    return typeof protocol === 'string' && /^[\w=:.-]+$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {};
  }

  async function advertise(
    request: IncomingMessage,
    response: ServerResponse,
    repository: Repository,
    service: Service,
  ): Promise<void> {
    const { folder } = repository;
    const { stdout } = await git.run(
      folder,
      [service.slice('git-'.length), '--stateless-rpc', '--advertise-refs', folder],
      { variables: protocolVariables(request) },
    );
    response.writeHead(200, { 'content-type': `application/x-${service}-advertisement` });
    response.end(Buffer.concat([encodePacket(`# service=${service}\n`), flushPacket, stdout]));
  }

  async function upload(
    request: IncomingMessage,
    response: ServerResponse,
    repository: Repository,
  ): Promise<void> {
    const { folder } = repository;
    const child = git.start(folder, ['upload-pack', '--stateless-rpc', folder], protocolVariables(request));
    child.stderr.resume();
    response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-result' });
    const input = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
    try {
      await Promise.all([
        pipeline(input, child.stdin).catch(() => undefined), // git stops reading once it knows enough
        pipeline(child.stdout, response),
      ]);
    } catch {
      // The client went away in the middle of its fetch; git has to end too.
      child.kill();
    }
  }

  /** One push at a time for each repository: what moved is told by comparing the refs before and after. */
  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    repository: Repository,
    actor: Actor,
    loseAnswer: boolean,
  ): Promise<void> {
    const { folder } = repository;
    const body = await readBody(request);
    const report = await refChanges.watch(repository, access.doer(actor), async () => {
      const variables = hookVariables({
        ...rules.forPush(repository, pushedRefs(body)),
        signedCommits: repository.signedCommits,
        workflows: workflowsRefusal(actor),
      });
      const args = ['receive-pack', '--stateless-rpc', folder];
      return (await git.run(folder, args, { input: body, variables })).stdout;
    });
    if (loseAnswer) {
      request.socket.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/x-git-receive-pack-result' });
    response.end(withRefusalReasons(report));
  }

  return { handle };
}

function workflowsRefusal(actor: Actor): 'app' | 'user' | null {
  if (actor.kind === 'installation') return actor.token.permissions['workflows'] === 'write' ? null : 'app';
  return actor.kind === 'user' && actor.scopes.includes('workflow') ? null : 'user';
}

/** The commands at the start of a push: which ref is asked to go from where to where. */
function pushedRefs(body: Buffer): { ref: string; before: string; after: string }[] {
  try {
    return decodePackets(body).packets.map((packet) => {
      const [before = '', after = '', ref = ''] = (packet.toString('utf8').split('\0')[0] ?? '')
        .trim()
        .split(' ');
      return { before, after, ref };
    });
  } catch {
    // git will complain about it in its own words.
    return [];
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const input = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk as Buffer); // a request without encoding gives buffers
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {}),
  });
  response.end(`${message}\n`);
}
