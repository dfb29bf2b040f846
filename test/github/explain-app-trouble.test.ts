import { expect, test } from 'vitest';
import { explainAppTrouble } from '../../src/github/explain-app-trouble.ts';
import { GitHubError } from '../../src/github/github-error.ts';

test.each([
  ['nobody answers', new GitHubError('unavailable', 'getaddrinfo ENOTFOUND'), /^GitHub can not be reached/],
  ['another key', new GitHubError('unavailable', 'x', { status: 401 }), /^GitHub does not take this App ID/],
  ['no such App', new GitHubError('gone', 'x', { status: 404 }), /^GitHub does not take this App ID/],
  ['suspended', new GitHubError('forbidden', 'x', { status: 403 }), /^GitHub does not let this App in/],
  ['an outage', new GitHubError('unavailable', 'x', { status: 502 }), /^GitHub does not answer as it should/],
])('at the start, %s is told apart', (_, error, text) => {
  expect(explainAppTrouble(error)).toMatch(text);
});
