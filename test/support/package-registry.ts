import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createProxy } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Where npm looks, unless it is told otherwise. */
export const NPM_HOST = ['registry', 'npmjs.org'].join('.');
const HOSTS = [NPM_HOST, 'pypi.org', 'files.pythonhosted.org'];
const TARBALL = '/postage/-/postage-1.0.0.tgz';
const WHEEL = 'postage-1.0.0-py3-none-any.whl';

const JS = 'export const postage = (count) => 5 * count;\n';
/** Writes the wheel that is its argument: of Python's own archives, so that no package is needed for it. */
const PACK_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('postage.py', 'def postage(count):\\n    return 5 * count\\n')
    info = 'postage-1.0.0.dist-info/'
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: postage\\nVersion: 1.0.0\\n')
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', '')
`;

/** npm's registry and PyPI on loopback, encrypted, with one package, `postage`, in each. */
export type PackageRegistry = {
  /** Of the certificate's authority, for whoever is to trust it. */
  certificate: string;
  /** A proxy for a machine, which leads to the registry whatever host is asked for. */
  proxyUrl: string;
  /** What was asked for: host and path. */
  requests: string[];
  /** `package-lock.json`'s entry for npm's package. */
  lock: { version: string; resolved: string; integrity: string };
  /** A connection to the registry, whatever host is asked for. */
  connect(): Socket;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Why there can be no registry here; `null` = there can. */
export async function whyNoRegistry(): Promise<string | null> {
  try {
    await run('openssl', ['version']);
    await run('python3', ['-c', 'import zipfile']);
    return null;
  } catch {
    return 'the registry of these tests needs openssl and python3';
  }
}

export async function startPackageRegistry(): Promise<PackageRegistry> {
  const folder = await mkdtemp(path.join(tmpdir(), 'registry-'));
  const at = (name: string): string => path.join(folder, name);
  await makeCertificate(at('key.pem'), at('certificate.pem'));
  await packTarball(folder, at('postage.tgz'));
  await run('python3', ['-c', PACK_WHEEL, at(WHEEL)]);
  const tarball = await readFile(at('postage.tgz'));
  const wheel = await readFile(at(WHEEL));
  const answers: Record<string, { type: string; body: string | Buffer }> = {
    [`${NPM_HOST}${TARBALL}`]: { type: 'application/octet-stream', body: tarball },
    'pypi.org/simple/postage/': {
      type: 'text/html',
      body: `<a href="https://files.pythonhosted.org/packages/${WHEEL}#sha256=${hash('sha256', wheel, 'hex')}">${WHEEL}</a>`,
    },
    [`files.pythonhosted.org/packages/${WHEEL}`]: { type: 'application/octet-stream', body: wheel },
  };
  const requests: string[] = [];
  const server = createServer(
    { key: await readFile(at('key.pem')), cert: await readFile(at('certificate.pem')) },
    ({ headers, url }, response) => {
      const asked = `${headers.host}${url}`;
      requests.push(asked);
      const answer = answers[asked];
      if (answer === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': answer.type }).end(answer.body);
    },
  );
  const port = await listen(server);
  const toRegistry = (): Socket => connect(port, '127.0.0.1');
  const proxy = createProxy();
  proxy.on('connect', (_request, client, head) => {
    const registry = toRegistry();
    client.on('error', () => registry.destroy());
    registry.on('error', () => client.destroy());
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    registry.write(head);
    client.pipe(registry).pipe(client);
  });
  const proxyPort = await listen(proxy);

  return {
    certificate: at('certificate.pem'),
    proxyUrl: `http://127.0.0.1:${proxyPort}`,
    requests,
    lock: {
      version: '1.0.0',
      resolved: `https://${NPM_HOST}${TARBALL}`,
      integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
    },
    connect: toRegistry,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      server.closeAllConnections();
      await Promise.all([proxy, server].map((one) => new Promise((resolve) => one.close(resolve))));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Its own authority: whoever trusts it trusts this registry. */
async function makeCertificate(key: string, certificate: string): Promise<void> {
  const names = HOSTS.map((host) => `DNS:${host}`).join(',');
  await run(
    'openssl',
    [
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'],
      ['-subj', '/CN=registry of a test', '-addext', `subjectAltName=${names}`],
      ['-keyout', key, '-out', certificate],
    ].flat(),
  );
}

async function packTarball(folder: string, file: string): Promise<void> {
  const source = path.join(folder, 'package');
  await mkdir(source);
  const manifest = { name: 'postage', version: '1.0.0', type: 'module', exports: './postage.js' };
  await writeFile(path.join(source, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(source, 'postage.js'), JS);
  await run('tar', ['-czf', file, '-C', folder, 'package']);
}

function hash(algorithm: 'sha256' | 'sha512', content: Buffer, encoding: 'hex' | 'base64'): string {
  return createHash(algorithm).update(content).digest(encoding);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
