import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** What the server does with a request instead of, or around, an ordinary answer. */
export type GitFault =
  /** Accepts the request and never answers. */
  | 'hang'
  /** Lets git do the work, then cuts the connection instead of answering. */
  | 'lose_answer'
  /** Cuts the connection at once. */
  | 'cut';

export type GitServer = {
  /** The only repository, as a clone address. */
  cloneUrl: string;
  /** Its folder: bare. */
  repository: string;
  /** `METHOD path`, in order of arrival. */
  requests: string[];
  /** Bytes of the bodies that clients sent. */
  receivedBytes: number;
  /** Bytes of the answers that git gave them. */
  sentBytes: number;
  /** Who may come in; checked as the password of Basic credentials. */
  tokens: Set<string>;
  /** Asked for each request that was let in. */
  fault: (request: string) => GitFault | null;
  /** Objects of Git LFS by their id; and those that the server says it does not have, with its words. */
  lfs: { objects: Map<string, Buffer>; refusals: Map<string, string> };
  /** Keeps content in Git LFS and gives the text of its pointer. */
  toPointer(content: Buffer): string;
  /** Another repository of the same owner, with one commit of these files on `main`; gives the commit. */
  addRepository(name: string, files: Record<string, CommitFile>): Promise<string>;
  /** Names of repositories, such as `widgets`, that nobody may read. */
  closed: Set<string>;
  /** Runs git in the repository and gives its trimmed stdout. */
  git(...args: string[]): Promise<string>;
  /** Commits files onto a branch (made when it isn't there) and returns the commit. `null` deletes. */
  commit(branch: string, files: Record<string, CommitFile | null>): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A file's text; or with a mode; `120000` makes a link, `160000` a gitlink to that commit. */
export type CommitFile = string | { mode: '100755' | '120000' | '160000'; content: string };

/** A repository over real HTTP, by git's own server program. */
export async function startGitServer(
  options: { token?: string; objectFormat?: 'sha1' | 'sha256' } = {},
): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), 'git-server-'));
  const repository = join(root, 'acme', 'widgets.git');
  await mkdir(dirname(repository), { recursive: true });
  const format = `--object-format=${options.objectFormat ?? 'sha1'}`;
  await exec('git', ['init', '--quiet', '--bare', '--initial-branch=main', format, repository]);
  // As GitHub allows it.
  await exec('git', ['--git-dir', repository, 'config', 'uploadpack.allowFilter', 'true']);

  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = `${request.method} ${request.url}`;
    server.requests.push(name);
    if (!server.tokens.has(readPassword(request))) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    if ([...server.closed].some((closed) => name.includes(`/acme/${closed}.git/`))) {
      response.writeHead(404).end();
      return;
    }
    if (name.includes('/info/lfs/')) {
      await answerLfs(request, response, server);
      return;
    }
    const fault = server.fault(name);
    if (fault === 'hang') return;
    if (fault === 'cut') {
      request.socket.destroy();
      return;
    }
    const answer = await runBackend(request, root, (bytes) => (server.receivedBytes += bytes));
    server.sentBytes += answer.length;
    if (fault === 'lose_answer') request.socket.destroy();
    else sendAnswer(answer, response);
  }

  const server: GitServer = {
    cloneUrl: `http://127.0.0.1:${port}/acme/widgets.git`,
    repository,
    requests: [],
    receivedBytes: 0,
    sentBytes: 0,
    lfs: { objects: new Map(), refusals: new Map() },
    toPointer(content) {
      const oid = createHash('sha256').update(content).digest('hex');
      server.lfs.objects.set(oid, content);
      return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    },
    async addRepository(repositoryName, files) {
      const other = join(root, 'acme', `${repositoryName}.git`);
      await exec('git', ['init', '--quiet', '--bare', '--initial-branch=main', format, other]);
      return await commitFiles(other, 'main', files);
    },
    closed: new Set(),
    tokens: new Set([options.token ?? 'token-of-the-run']),
    fault: () => null,
    git: (...args) => runGit(repository, args),
    commit: (branch, files) => commitFiles(repository, branch, files),
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return server;
}

/** The batch API of Git LFS, and the objects, below the address of the repository. */
async function answerLfs(
  request: IncomingMessage,
  response: ServerResponse,
  { lfs }: Pick<GitServer, 'lfs'>,
): Promise<void> {
  const oid = /\/info\/lfs\/objects\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
  if (oid !== undefined) {
    response.end(lfs.objects.get(oid));
    return;
  }
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const asked = JSON.parse(text) as { operation: string; objects: { oid: string; size: number }[] };
  const href = `http://${request.headers.host}${request.url?.replace(/batch$/, '')}`;
  const objects = asked.objects.map((object) => {
    const refusal = lfs.refusals.get(object.oid);
    return refusal === undefined
      ? { ...object, actions: { [asked.operation]: { href: `${href}${object.oid}` } } }
      : { ...object, error: { code: 404, message: refusal } };
  });
  response.setHeader('content-type', 'application/vnd.git-lfs+json');
  response.end(JSON.stringify({ transfer: 'basic', objects }));
}

function readPassword(request: IncomingMessage): string {
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  return Buffer.from(basic, 'base64').toString('utf8').split(':')[1] ?? '';
}

async function runBackend(
  request: IncomingMessage,
  root: string,
  onBody: (bytes: number) => void,
): Promise<Buffer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: header(request, 'git-protocol'),
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: searchParams.toString(),
      CONTENT_TYPE: header(request, 'content-type'),
      HTTP_CONTENT_ENCODING: header(request, 'content-encoding'),
      REMOTE_USER: 'x-access-token',
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  request.on('data', (chunk: Buffer) => onBody(chunk.length));
  request.pipe(backend.stdin);
  // It may answer without having read all of the request.
  backend.stdin.on('error', () => undefined);
  const chunks: Buffer[] = [];
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(backend, 'close');
  return Buffer.concat(chunks);
}

function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '');
}

/** A CGI answer: header lines, an empty line, the body. */
function sendAnswer(answer: Buffer, response: ServerResponse): void {
  const end = answer.indexOf('\r\n\r\n');
  for (const line of answer.subarray(0, end).toString('latin1').split('\r\n')) {
    const [name = '', value = ''] = line.split(': ');
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.end(answer.subarray(end + 4));
}

async function runGit(repository: string, args: readonly string[], variables = {}): Promise<string> {
  const { stdout } = await exec('git', ['--git-dir', repository, ...args], {
    maxBuffer: 64 * 1024 * 1024,
    env: {
      PATH: process.env['PATH'],
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      ...variables,
    },
  });
  return stdout.trim();
}

async function commitFiles(
  repository: string,
  branch: string,
  files: Record<string, CommitFile | null>,
): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'git-server-index-'));
  const index = { GIT_INDEX_FILE: join(scratch, 'index') };
  try {
    const tips = await runGit(repository, ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]);
    if (tips !== '') await runGit(repository, ['read-tree', tips], index);
    for (const [path, file] of Object.entries(files)) {
      if (file === null) {
        await runGit(repository, ['update-index', '--force-remove', path], index);
        continue;
      }
      const { mode, content } = typeof file === 'string' ? { mode: '100644', content: file } : file;
      const id = mode === '160000' ? content : await writeBlob(repository, scratch, content);
      await runGit(repository, ['update-index', '--add', '--cacheinfo', `${mode},${id},${path}`], index);
    }
    const tree = await runGit(repository, ['write-tree'], index);
    const parents = tips === '' ? [] : ['-p', tips];
    const commit = await runGit(repository, ['commit-tree', tree, ...parents, '-m', `Change ${branch}`]);
    await runGit(repository, ['update-ref', `refs/heads/${branch}`, commit]);
    return commit;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function writeBlob(repository: string, scratch: string, content: string): Promise<string> {
  const file = join(scratch, 'blob');
  await writeFile(file, content);
  return await runGit(repository, ['hash-object', '-w', '--no-filters', file]);
}
