import { describe, expect, it } from 'vitest';
import { chooseComments, type CommentReading, findCommenters } from '../../src/domain/choose-comments.ts';

const ASKED = { at: '2026-11-20T12:00:00Z', commentId: 99 };
const PERMISSIONS = new Map([
  ['grace', 'write'],
  ['olga', 'admin'],
  ['mallory', 'read'],
  ['bot', 'admin'],
] as const);

function aComment(overrides: Partial<CommentReading> & { by?: string } = {}): CommentReading {
  const { by = 'grace', ...rest } = overrides;
  const createdAt = rest.createdAt ?? '2026-11-20T11:00:00Z';
  const author = { login: by, id: 1, isBot: by === 'bot' };
  return { id: 1, body: 'It is the discount.', author, createdAt, updatedAt: createdAt, ...rest };
}

function choose(comments: CommentReading[], unread = 0) {
  return chooseComments({ comments, asking: ASKED, permissions: PERMISSIONS, unread });
}

const NONE = { untrusted: 0, edited: 0, unread: 0 };

describe('comments for agents', () => {
  it('are those of people who may change the repository', () => {
    const chosen = choose([aComment(), aComment({ by: 'olga', body: 'No, the tax.' })]);

    expect(chosen).toEqual({
      comments: [
        { author: 'grace', createdAt: '2026-11-20T11:00:00Z', body: 'It is the discount.' },
        { author: 'olga', createdAt: '2026-11-20T11:00:00Z', body: 'No, the tax.' },
      ],
      commentsLeftOut: NONE,
    });
  });

  it.each<[string, Partial<CommentReading> & { by?: string }, Partial<typeof NONE>]>([
    ['of others', { by: 'mallory' }, { untrusted: 1 }],
    ['of somebody who was not looked up', { by: 'nobody' }, { untrusted: 1 }],
    ['edited after the work was asked for', { updatedAt: '2026-11-20T12:00:01Z' }, { edited: 1 }],
    ['whose times can’t be read', { updatedAt: 'soon' }, { edited: 1 }],
    ['of bots', { by: 'bot' }, {}],
    ['of accounts that are gone', { author: null }, {}],
    ['written later', { createdAt: '2026-11-20T12:00:01Z' }, {}],
    ['that asked for the work', { id: 99 }, {}],
    ['that are nothing but commands', { body: '/agent run backend\n\n  /agent hold\n' }, {}],
  ])('are not those %s', (_, overrides, leftOut) => {
    expect(choose([aComment(overrides)])).toEqual({
      comments: [],
      commentsLeftOut: { ...NONE, ...leftOut },
    });
  });

  it('may hold a command beside what they say, and may have been edited before', () => {
    const comment = aComment({
      body: 'Mind the tax.\n/agent run backend',
      createdAt: '2026-11-20T10:00:00Z',
      updatedAt: '2026-11-20T12:00:00Z',
    });

    expect(choose([comment]).comments).toHaveLength(1);
  });

  it('are the newest where there are too many, each cut where it is too long, and what is missing is counted', () => {
    const many = Array.from({ length: 40 }, (_, index) => aComment({ body: `say ${index}` }));
    const long = Array.from({ length: 9 }, () => aComment({ body: 'x'.repeat(50_000) }));

    const ofMany = choose(many, 160);
    const ofLong = choose(long);

    expect(ofMany.comments.map(({ body }) => body)).toEqual(many.slice(10).map(({ body }) => body));
    expect(ofMany.commentsLeftOut).toEqual({ ...NONE, unread: 170 });
    expect(ofLong.comments).toHaveLength(4);
    expect(ofLong.comments[0]?.body).toMatch(/^x{10000}\n\[cut here: the comment has 50000 characters\]$/);
    expect(ofLong.commentsLeftOut).toEqual({ ...NONE, unread: 5 });
  });

  it('cost a look at the permission of few people, those who spoke last', () => {
    const comments = Array.from({ length: 20 }, (_, index) => aComment({ by: `person-${index}` }));
    const others = [aComment({ by: 'bot' }), aComment({ by: 'late', createdAt: '2026-11-20T13:00:00Z' })];

    expect(findCommenters([...comments, ...comments, ...others], ASKED)).toEqual(
      [19, 18, 17, 16, 15, 14, 13, 12].map((index) => `person-${index}`),
    );
  });
});
