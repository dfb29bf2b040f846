import { Buffer } from 'node:buffer';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchImages, type ImageDeps } from '../../../src/runner/context/fetch-images.ts';
import { aJobSpec } from '../../support/job-spec.ts';

const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex');
const ID = '880fbe21-506b-458b-8be6-71ac826d92f5';

let folder: string;
let closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'images-'));
});
afterEach(async () => {
  for (const close of closers) await close();
  closers = [];
  await rm(folder, { recursive: true });
});

/** A GitHub of one's own that answers as it is told; answers what it was asked. */
async function aGitHub(answer: RequestListener) {
  const asked: { url: string; authorization: string | undefined; accept: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const { authorization, accept } = request.headers;
    asked.push({ url: request.url ?? '', authorization, accept });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

function aJob(url: string, body: string, isPrivate = false): Parameters<typeof fetchImages>[0] {
  const { issue, repository } = aJobSpec();
  return {
    githubApiUrl: `${url}/api/v3`,
    issue: { ...issue, body },
    repository: { ...repository, htmlUrl: `${url}/acme/widgets`, private: isPrivate },
  };
}

function someDeps(overrides: Partial<ImageDeps> = {}): ImageDeps {
  return {
    token: async () => 'secret-token',
    fetch,
    folder: path.join(folder, 'images'),
    userAgent: 'test',
    signal: new AbortController().signal,
    ...overrides,
  };
}

describe('images of an issue', () => {
  test('are put into files, and those that are not GitHub’s are not asked for', async () => {
    const other = await aGitHub((_, response) => response.end());
    const github = await aGitHub((_, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(PNG),
    );
    const address = `${github.url}/user-attachments/assets/${ID}`;
    const body = `![a](${other.url}/user-attachments/assets/${ID}) ![b](${address})`;

    const images = await fetchImages(aJob(github.url, body), someDeps());

    const file = path.join(folder, 'images', '2.png');
    expect(images).toEqual([
      expect.objectContaining({ kind: 'missing', problem: 'it is on another host than GitHub' }),
      { kind: 'file', url: address, file, mediaType: 'image/png', bytes: PNG.length },
    ]);
    expect(await readFile(file)).toEqual(PNG);
    expect(other.asked).toEqual([]);
    expect(github.asked).toEqual([
      { url: `/user-attachments/assets/${ID}`, authorization: undefined, accept: 'image/*' },
    ]);
  });

  test('of a private repository are fetched from where GitHub signed for, without the token', async () => {
    const signed = `/storage/user/1/7-${ID}.png?jwt=a&b=c`;
    const github = await aGitHub((request, response) => {
      if (request.url?.startsWith('/api/v3/')) {
        const html = `<img src="${github.url}${signed.replace('&', '&amp;')}">`;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ body_html: html }));
      } else if (request.url === signed)
        response.writeHead(200, { 'content-type': 'image/png; charset=x' }).end(PNG);
      else response.writeHead(404).end();
    });
    const body = `![](${github.url}/user-attachments/assets/${ID})`;

    const images = await fetchImages(aJob(github.url, body, true), someDeps());

    expect(images).toEqual([expect.objectContaining({ kind: 'file', bytes: PNG.length })]);
    expect(github.asked).toEqual([
      {
        url: '/api/v3/repos/acme/widgets/issues/42',
        authorization: 'token secret-token',
        accept: 'application/vnd.github.full+json',
      },
      { url: signed, authorization: undefined, accept: 'image/*' },
    ]);
  });

  test.each<[string, RequestListener, string]>([
    ['answers that it is not there', (_, response) => response.writeHead(404).end(), 'GitHub answered 404'],
    [
      'sends something else',
      (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('<html>'),
      'it is no PNG, JPEG, GIF or WebP image',
    ],
    [
      'calls it something else',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PNG),
      'it is no PNG, JPEG, GIF or WebP image',
    ],
    [
      'sends without end',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'image/png' });
        const send = (): void => void response.write(Buffer.alloc(1024 * 1024), (error) => !error && send());
        send();
      },
      'it is larger than 5120 KiB',
    ],
    [
      'sends on for ever',
      (request, response) => response.writeHead(302, { location: `${request.url}x` }).end(),
      'GitHub sent on too often',
    ],
    [
      'sends on to another machine',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/a.png' }).end(),
      'GitHub sent on to a place where it is on another host than GitHub',
    ],
    ['breaks off', (request) => request.socket.destroy(), 'it could not be fetched'],
  ])('are said to be missing when GitHub %s', async (_, answer, problem) => {
    const github = await aGitHub(answer);
    const body = `![](${github.url}/user-attachments/assets/${ID})`;

    const images = await fetchImages(aJob(github.url, body), someDeps());

    expect(images).toEqual([{ kind: 'missing', url: expect.any(String), problem }]);
    expect(await readdir(path.join(folder, 'images'))).toEqual([]);
  });

  test('are eight at most', async () => {
    const github = await aGitHub((_, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(PNG),
    );
    const body = Array.from({ length: 10 }, (_, index) => `![](${github.url}/storage/user/${index}/${ID})`);

    const images = await fetchImages(aJob(github.url, body.join('\n')), someDeps());

    expect(images.map(({ kind }) => kind)).toEqual([...Array<string>(8).fill('file'), 'missing', 'missing']);
    expect(github.asked).toHaveLength(8);
  });

  test('stop with the attempt', async () => {
    const stopping = new AbortController();
    const github = await aGitHub(() => stopping.abort(new Error('stopped')));
    const body = `![](${github.url}/user-attachments/assets/${ID})`;

    await expect(fetchImages(aJob(github.url, body), someDeps({ signal: stopping.signal }))).rejects.toThrow(
      'stopped',
    );
  });
});
