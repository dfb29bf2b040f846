import http from 'node:http';

export type SocketAnswer = { status: number; text: string };

/**
 * One HTTP request over a UNIX socket, with JSON in its body; `fetch` can't open those. Rejects with the error of the connection, whose
 * `code` tells what was wrong: ENOENT and ECONNREFUSED = nobody serves there, EACCES = not for this user, ETIMEDOUT = no answer in time.
 */
export function requestSocket(
  socketPath: string,
  request: { method: string; path: string; body?: unknown; timeoutMs: number },
): Promise<SocketAnswer> {
  const { method, path, body, timeoutMs: timeout } = request;
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      { socketPath, method, path, headers: { 'content-type': 'application/json' }, timeout },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('timeout', () =>
      outgoing.destroy(Object.assign(new Error(`No answer within ${timeout} ms`), { code: 'ETIMEDOUT' })),
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
