import { describe, expect, test } from 'vitest';
import { describeDeliveries, describeDelivery } from '../../src/operator/describe-deliveries.ts';
import { stripControl } from '../../src/lib/strip-control.ts';
import { HOSTILE_TEXT } from '../support/hostile-text.ts';

const DELIVERY = {
  guid: '72d3162e-1',
  event: 'issues',
  action: 'labeled',
  repository: 'acme/widgets',
  orderKey: '7#42',
  state: 'dead',
  attempts: 5,
  error: 'the store said no',
  receivedAtMs: Date.UTC(2026, 10, 2, 12),
  runAtMs: Date.UTC(2026, 10, 2, 12),
  finishedAtMs: Date.UTC(2026, 10, 2, 12, 7),
} as const;

describe('webhooks in a terminal', () => {
  test('are a table that says what to do about dead letters', () => {
    const counts = { ready: 0, running: 0, done: 4, dead: 1 };

    const text = describeDeliveries({ deliveries: [DELIVERY], counts }, false);

    expect(text).toMatch(
      /2026-11-02T12:00:00Z +72d3162e-1 +issues\.labeled +.*dead.* +5 +acme\/widgets#42 +the store said no/,
    );
    expect(text).toContain('1 dead letter: ');
    expect(text).toContain('deliveries replay --all-dead');
  });

  test.each([
    [{ orderKey: 'push 7 refs/heads/main' }, 'push acme/widgets refs/heads/main '],
    [{ orderKey: 'check run 9' }, 'acme/widgets check run 9 '],
    [{ orderKey: DELIVERY.guid }, 'acme/widgets '],
    [{ orderKey: 'installation 3', repository: null }, 'installation 3 '],
    [{ repository: null }, '7#42 '],
  ])('%j is told by its name', (facts, about) => {
    const counts = { ready: 0, running: 0, done: 0, dead: 0 };

    const text = describeDeliveries({ deliveries: [{ ...DELIVERY, ...facts }], counts }, false);

    expect(text).toMatch(new RegExp(` 5 +${about} *the store said no`));
  });

  test('none at all is told apart from none like that', () => {
    const none = { deliveries: [], counts: { ready: 0, running: 0, done: 0, dead: 0 } };

    expect(describeDeliveries(none, false)).toContain('No webhooks yet');
    expect(describeDeliveries(none, true)).toBe('No webhook is like that.');
  });

  test('one is shown with headers, payload, tries and error, and how to replay it', () => {
    const text = describeDelivery({
      ...DELIVERY,
      headers: { 'x-github-event': 'issues' },
      payload: { n: 1 },
    });

    expect(text).toBe(
      [
        'issues.labeled · dead · 5 tries',
        'received 2026-11-02T12:00:00Z',
        'given up 2026-11-02T12:07:00Z',
        'error: the store said no',
        'again: yardmaster deliveries replay 72d3162e-1',
        '',
        'x-github-event: issues',
        '',
        '{',
        '  "n": 1',
        '}',
      ].join('\n'),
    );
  });

  test('hostile text in it commands no terminal, and loses nothing', () => {
    const payload = { [HOSTILE_TEXT]: HOSTILE_TEXT };

    const text = describeDelivery({
      ...DELIVERY,
      error: HOSTILE_TEXT,
      headers: { a: HOSTILE_TEXT },
      payload,
    });

    expect(stripControl(text)).toBe(text);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual(payload);
  });
});
