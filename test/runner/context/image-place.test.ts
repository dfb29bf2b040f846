import { Buffer } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import { findImages } from '../../../src/runner/context/find-images.ts';
import { judgeImagePlace } from '../../../src/runner/context/image-place.ts';
import { readImageType } from '../../../src/runner/context/image-type.ts';

const ID = '880fbe21-506b-458b-8be6-71ac826d92f5';

describe('images are found', () => {
  it.each([
    ['in Markdown', `![what](https://github.com/a) b`, ['https://github.com/a']],
    ['with a title', `![](<https://github.com/a> "hidden")`, ['https://github.com/a']],
    ['in HTML', `<img width="3" src='https://github.com/a' alt="x > y"/>`, ['https://github.com/a']],
    ['once each, in order', '<img src=b>\n![](a) ![](b)', ['b', 'a']],
    ['not in comments', '<!-- ![](a) -->', []],
    ['not in links', '[a](https://github.com/a)', []],
  ])('%s', (_, body, urls) => {
    expect(findImages({ body })).toEqual(urls);
  });

  it('in comments, too, and not without end', () => {
    const body = Array.from({ length: 15 }, (_, index) => `![](i${index})`).join('');
    const comments = [{ author: 'a', createdAt: '', body: '![](c) ![](i0)' }];

    expect(findImages({ body, comments }).at(-1)).toBe('c');
    expect(findImages({ body: body.replaceAll('i', 'j') + body })).toHaveLength(20);
  });
});

describe('on GitHub.com', () => {
  const judge = (address: string, isNamedByGitHub = false): string => {
    const place = judgeImagePlace(address, {
      repositoryUrl: 'https://github.com/acme/widgets',
      isNamedByGitHub,
    });
    return place.ok ? `yes ${place.assetId}` : place.problem;
  };

  it.each([
    [`https://github.com/user-attachments/assets/${ID}`, `yes ${ID}`],
    [`https://github.com/acme/widgets/assets/1234/${ID}`, `yes ${ID}`],
    // The last id counts: a folder can bear the one of somebody else's image.
    [`https://github.com/me/${ID.replace(/^./, '0')}/assets/1/${ID}`, `yes ${ID}`],
    [
      `https://private-user-images.githubusercontent.com/${ID.replace(/^./, '0')}/${ID}.png?jwt=a`,
      `yes ${ID}`,
    ],
    ['https://user-images.githubusercontent.com/1/2-abc.png', 'yes null'],
    [`https://private-user-images.githubusercontent.com/1/2-${ID}.png?jwt=a.b`, `yes ${ID}`],
    ['https://github.com/login/oauth/authorize?client_id=1', 'it was not put into the issue'],
    [`https://github.com/user-attachments/assets/../../logout/${ID}`, 'it was not put into the issue'],
    [`http://github.com/user-attachments/assets/${ID}`, 'it is not on https'],
    [`https://github.com:8443/user-attachments/assets/${ID}`, 'it is on another host than GitHub'],
    [`https://github.com.evil.example/user-attachments/assets/${ID}`, 'it is on another host than GitHub'],
    [`https://a:b@github.com/user-attachments/assets/${ID}`, 'its address is none'],
    ['https://github-production-user-asset-6210df.s3.amazonaws.com/a', 'it is on another host than GitHub'],
    ['http://169.254.169.254/latest/meta-data', 'it is not on https'],
    ['https://localhost/a.png', 'it is on another host than GitHub'],
    ['file:///etc/passwd', 'it is not on https'],
    ['data:image/png;base64,AAAA', 'it is not on https'],
    ['/relative.png', 'its address is none'],
  ])('%s: %s', (address, verdict) => {
    expect(judge(address)).toBe(verdict);
  });

  it.each([
    ['https://github-production-user-asset-6210df.s3.amazonaws.com/1/2.png?X-Amz-Signature=1', 'yes null'],
    ['https://other-bucket.s3.amazonaws.com/1/2.png', 'it is on another host than GitHub'],
    ['http://github.com/login', 'it is not on https'],
  ])('where it sends on to %s: %s', (address, verdict) => {
    expect(judge(address, true)).toBe(verdict);
  });
});

it.each([
  [`https://ghe.acme.example/user-attachments/assets/${ID}`, true],
  [`https://media.ghe.acme.example/user/1/files/${ID}`, true],
  [`https://ghe.acme.example/storage/user/1/files/${ID}`, true],
  ['https://ghe.acme.example/acme/widgets/settings', false],
  [`https://github.com/user-attachments/assets/${ID}`, false],
  ['https://user-images.githubusercontent.com/1/2-abc.png', false],
])('on a GitHub of one’s own %s is %s', (address, ok) => {
  const from = { repositoryUrl: 'https://ghe.acme.example/acme/widgets', isNamedByGitHub: false };

  expect(judgeImagePlace(address, from).ok).toBe(ok);
});

it.each([
  ['image/png', Buffer.from('89504e470d0a1a0a0000', 'hex')],
  ['image/jpeg', Buffer.from('ffd8ffe0', 'hex')],
  ['image/gif', Buffer.from('GIF89a')],
  ['image/webp', Buffer.from('RIFF\0\0\0\0WEBPVP8 ')],
  [undefined, Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  [undefined, Buffer.from('RIFF\0\0\0\0WAVE')],
  [undefined, Buffer.from([0x89, 0x50])],
  [undefined, Buffer.alloc(0)],
])('bytes tell the kind of an image: %s', (mediaType, bytes) => {
  expect(readImageType(bytes)?.mediaType).toBe(mediaType);
});
