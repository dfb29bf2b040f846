import { sign } from '@octokit/webhooks-methods';
import { describe, expect, test } from 'vitest';
import type { NewDelivery } from '../../src/store/store.ts';
import { MAX_WEBHOOK_BYTES, createInbox } from '../../src/webhooks/inbox.ts';
import { openTestStore } from '../support/embedded-store.ts';
import { createTestLogger } from '../support/test-logger.ts';
import { anIssuesPayload } from './payloads.ts';

const SECRET = 'a secret of the tests';
const GUID = '0f2d3b3e-4c4b-4f5e-9b60-1a2b3c4d5e6f';
const LABELED = JSON.stringify(anIssuesPayload('labeled'));

describe('a webhook from the wire', () => {
  test('is stored before it is answered, and only once', async () => {
    await using opened = await openTestStore();
    const inbox = anInbox(opened.store);
    const request = await aRequest({});

    const first = await inbox.receive(request);
    const again = await inbox.receive({ ...request, body: Buffer.from(request.body) });

    expect(first).toEqual({ status: 202, body: 'stored\n' });
    expect(again).toEqual({ status: 202, body: 'known\n' });
    expect(await opened.store.claimDelivery()).toMatchObject({
      guid: GUID,
      event: 'issues',
      orderKey: '71#42',
      payload: LABELED,
      attempt: 1,
    });
    expect(await opened.store.claimDelivery()).toBeNull();
  });

  test('is kept byte for byte, whatever letters it has', async () => {
    await using opened = await openTestStore();
    const body = ` ${JSON.stringify(anIssuesPayload('labeled', { note: 'Zoë 👩‍🚀 \u2028' }))}\n`;
    const request = await aRequest({ body });

    const { status } = await anInbox(opened.store).receive({ ...request, body: Buffer.from(body) });

    expect(status).toBe(202);
    expect((await opened.store.claimDelivery())?.payload).toBe(body);
  });

  test.each<{ name: string; change: Parameters<typeof aRequest>[0]; status: number; says: RegExp }>([
    {
      name: 'with a form',
      change: { contentType: 'application/x-www-form-urlencoded' },
      status: 415,
      says: /json/,
    },
    { name: 'without a content type', change: { contentType: undefined }, status: 415, says: /json/ },
    { name: 'without a signature', change: { signature: undefined }, status: 401, says: /signature/ },
    { name: 'with an empty signature', change: { signature: '' }, status: 401, says: /signature/ },
    { name: 'signed with another secret', change: { secret: 'another' }, status: 401, says: /secrets/ },
    {
      name: 'with a signature of its own kind',
      change: { signature: 'sha1=abc' },
      status: 401,
      says: /signature/,
    },
    { name: 'without a body', change: { body: '', signature: 'sha256=00' }, status: 401, says: /signature/ },
    { name: 'without a GUID', change: { guid: undefined }, status: 400, says: /X-GitHub-Delivery/ },
    { name: 'without an event', change: { event: undefined }, status: 400, says: /X-GitHub-Event/ },
    { name: 'that is no JSON', change: { body: '{"a":' }, status: 400, says: /not JSON/ },
    { name: 'nobody handles', change: { event: 'push' }, status: 200, says: /^ignored/ },
    {
      name: 'with an action nobody handles',
      change: { body: JSON.stringify(anIssuesPayload('assigned')) },
      status: 200,
      says: /^ignored/,
    },
    { name: 'with JSON that is no object', change: { body: 'null' }, status: 200, says: /^ignored/ },
  ])('$name is answered with $status and not stored', async ({ change, status, says }) => {
    const stored: NewDelivery[] = [];
    const inbox = anInbox({ putDelivery: (delivery) => Promise.resolve((stored.push(delivery), 'stored')) });

    const answer = await inbox.receive(await aRequest(change));

    expect(answer).toEqual({ status, body: expect.stringMatching(says) });
    expect(stored).toEqual([]);
  });

  test('that is no UTF-8 is refused', async () => {
    const request = await aRequest({});

    const { status } = await anInbox(unused).receive({ ...request, body: Buffer.from([0x7b, 0xff, 0x7d]) });

    expect(status).toBe(400);
  });

  test('that is larger than any of GitHub is refused before anything is done with it', async () => {
    const request = await aRequest({ body: '{}' });

    const { status } = await anInbox(unused).receive({
      ...request,
      body: new Uint8Array(MAX_WEBHOOK_BYTES + 1),
    });

    expect(status).toBe(413);
  });

  test('with a bad signature leaves nothing of its payload in the log', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createTestLogger(lines);

    await createInbox({ store: unused, secret: SECRET, log }).receive(await aRequest({ secret: 'another' }));

    expect(lines).toMatchObject([{ msg: 'Refused a webhook without a valid signature' }]);
    expect(JSON.stringify(lines)).not.toContain('widgets');
  });

  test('that the store does not take is answered with 500, so that GitHub notes a failure', async () => {
    const inbox = anInbox({ putDelivery: () => Promise.reject(new Error('disk full')) });

    expect(await inbox.receive(await aRequest({}))).toMatchObject({ status: 500 });
  });

  test('wakes whoever waits for it, but only when it is new', async () => {
    await using opened = await openTestStore();
    let woken = 0;
    const inbox = createInbox({
      store: opened.store,
      secret: SECRET,
      log: createTestLogger(),
      onStored: () => (woken += 1),
    });

    await inbox.receive(await aRequest({}));
    await inbox.receive(await aRequest({}));

    expect(woken).toBe(1);
  });
});

describe('a delivery that Probot has verified', () => {
  test('is stored likewise', async () => {
    await using opened = await openTestStore();
    const inbox = anInbox(opened.store);
    const delivery = { id: GUID, name: 'issues', payload: anIssuesPayload('labeled') };

    expect(await inbox.put(delivery)).toBe('stored');
    expect(await inbox.put(delivery)).toBe('known');
    expect(await inbox.put({ ...delivery, id: 'x', name: 'star' })).toBe('ignored');
    expect(await opened.store.claimDelivery()).toMatchObject({ guid: GUID, payload: LABELED });
  });

  test('rejects when it could not be stored', async () => {
    const inbox = anInbox({ putDelivery: () => Promise.reject(new Error('disk full')) });

    await expect(
      inbox.put({ id: GUID, name: 'issues', payload: anIssuesPayload('labeled') }),
    ).rejects.toThrow('disk full');
  });
});

test('there is no inbox without a secret', () => {
  expect(() => createInbox({ store: unused, secret: '', log: createTestLogger() })).toThrow(
    /secret is needed/,
  );
});

const unused = { putDelivery: () => Promise.reject(new Error('must not be called')) };

function anInbox(store: Parameters<typeof createInbox>[0]['store']) {
  return createInbox({ store, secret: SECRET, log: createTestLogger() });
}

async function aRequest(given: {
  body?: string;
  secret?: string;
  contentType?: string | undefined;
  signature?: string | undefined;
  guid?: string | undefined;
  event?: string | undefined;
}) {
  const { body = LABELED, secret = SECRET } = given;
  return {
    body,
    headers: {
      'content-type': 'contentType' in given ? given.contentType : 'application/json; charset=utf-8',
      'x-hub-signature-256': 'signature' in given ? given.signature : await sign(secret, body),
      'x-github-delivery': 'guid' in given ? given.guid : GUID,
      'x-github-event': 'event' in given ? given.event : 'issues',
    },
  };
}
