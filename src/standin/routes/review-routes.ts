import { need, type Need } from '../access/access.ts';
import { reviewEvents, type NewReviewComment } from '../actions/reviews.ts';
import { ApiError, notFound } from '../http/api-error.ts';
import { createBodyReader } from '../http/body-reader.ts';
import { pageOf } from '../http/paging.ts';
import { param, type Call, type Reply, type Route } from '../http/router.ts';
import { asPull, type Pull } from '../shapes/pull-shapes.ts';
import type { Site } from '../site.ts';
import type { Repository, Review, ReviewComment } from '../world.ts';
import { pullOf } from './pull-routes.ts';

/** Reviews of pull requests, and the comments on their lines. */
export function reviewRoutes(site: Pick<Site, 'links' | 'shapes' | 'access' | 'reviews'>): Route[] {
  const { links, shapes, access, reviews } = site;
  const read = need('pull_requests', 'read', 'read');
  const write = need('pull_requests', 'write', 'read');

  async function submit(call: Call): Promise<Reply> {
    const { repository, pull } = pullOf(call, site, write);
    const body = createBodyReader(call.body);
    const event = body.oneOf('event', reviewEvents);
    if (event === undefined) {
      throw new ApiError(422, 'Unprocessable Entity', { errors: ['Pending reviews do not exist here'] });
    }
    const text = body.text('body') ?? '';
    if (event === 'REQUEST_CHANGES' && text === '') {
      throw new ApiError(422, 'Unprocessable Entity', { errors: ['Body cannot be blank'] });
    }
    const comments = (body.list('comments') ?? []).map(readComment);
    const review = await reviews.submit(repository, pull, access.doer(call.actor), {
      event,
      body: text,
      comments,
    });
    return { status: 200, body: shapes.pulls.review(repository, pull, review) };
  }

  function page(call: Call, repository: Repository, found: ReviewComment[]): Reply {
    const since = Date.parse(call.query.get('since') ?? '');
    const { items, headers } = pageOf(
      call,
      links,
      found.filter((one) => !(one.updatedAtMs < since)),
    );
    const body = items.map((one) =>
      shapes.pulls.reviewComment(repository, pullIn(repository, one.pullNumber), one),
    );
    return { status: 200, body, headers };
  }

  function reviewOf(call: Call, wanted: Need): { repository: Repository; pull: Pull; review: Review } {
    const { repository, pull } = pullOf(call, site, wanted);
    const review = repository.reviews.get(Number(param(call, 'review')));
    if (!review || review.pullNumber !== pull.number) throw notFound();
    return { repository, pull, review };
  }

  const one = '/repos/:owner/:repo/pulls/#number';
  return [
    {
      method: 'GET',
      pattern: `${one}/reviews`,
      handle(call) {
        const { repository, pull } = pullOf(call, site, read);
        const found = [...repository.reviews.values()].filter((review) => review.pullNumber === pull.number);
        const { items, headers } = pageOf(call, links, found);
        return {
          status: 200,
          body: items.map((item) => shapes.pulls.review(repository, pull, item)),
          headers,
        };
      },
    },
    { method: 'POST', pattern: `${one}/reviews`, handle: submit },
    {
      method: 'GET',
      pattern: `${one}/reviews/#review`,
      handle(call) {
        const { repository, pull, review } = reviewOf(call, read);
        return { status: 200, body: shapes.pulls.review(repository, pull, review) };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/reviews/#review/comments`,
      handle(call) {
        const { repository, review } = reviewOf(call, read);
        return page(
          call,
          repository,
          [...repository.reviewComments.values()].filter((comment) => comment.reviewId === review.id),
        );
      },
    },
    {
      method: 'PUT',
      pattern: `${one}/reviews/#review/dismissals`,
      handle(call) {
        const { repository, pull, review } = reviewOf(call, need('pull_requests', 'write', 'write'));
        createBodyReader(call.body).requiredText('message');
        reviews.dismiss(repository, pull, review, access.doer(call.actor));
        return { status: 200, body: shapes.pulls.review(repository, pull, review) };
      },
    },
    {
      method: 'GET',
      pattern: `${one}/comments`,
      handle(call) {
        const { repository, pull } = pullOf(call, site, read);
        return page(
          call,
          repository,
          [...repository.reviewComments.values()].filter((c) => c.pullNumber === pull.number),
        );
      },
    },
    {
      method: 'POST',
      pattern: `${one}/comments/#comment/replies`,
      handle(call) {
        const { repository, pull } = pullOf(call, site, write);
        const text = createBodyReader(call.body).requiredText('body');
        const comment = reviews.reply(
          repository,
          pull,
          access.doer(call.actor),
          Number(param(call, 'comment')),
          text,
        );
        return { status: 201, body: shapes.pulls.reviewComment(repository, pull, comment) };
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/pulls/comments',
      handle(call) {
        const repository = access.repository(call, read);
        return page(call, repository, [...repository.reviewComments.values()]);
      },
    },
    {
      method: 'GET',
      pattern: '/repos/:owner/:repo/pulls/comments/#comment',
      handle(call) {
        const repository = access.repository(call, read);
        const comment = repository.reviewComments.get(Number(param(call, 'comment')));
        if (!comment) throw notFound();
        const pull = pullIn(repository, comment.pullNumber);
        return { status: 200, body: shapes.pulls.reviewComment(repository, pull, comment) };
      },
    },
  ];
}

function readComment(value: unknown): NewReviewComment {
  const body = createBodyReader(value);
  const line = body.integer('line') ?? body.integer('position');
  if (line === undefined) throw body.missing('line');
  return {
    path: body.requiredText('path'),
    line,
    side: body.oneOf('side', ['LEFT', 'RIGHT']),
    startLine: body.integer('start_line'),
    startSide: body.oneOf('start_side', ['LEFT', 'RIGHT']),
    body: body.requiredText('body'),
  };
}

function pullIn(repository: Repository, number: number): Pull {
  const pull = asPull(repository.issues.get(number));
  if (!pull) throw notFound();
  return pull;
}
