import type { Doer } from '../access/actor.ts';
import type { Reaction, ReactionContent, World } from '../world.ts';

/** Reactions: each account gives each of them once. They send no webhooks. */
export function createReactionActions(deps: { world: World; clock: { nowMs(): number } }) {
  const { world, clock } = deps;

  return {
    /** The reaction, and whether it is new. */
    add(
      target: { reactions: Reaction[] },
      by: Doer,
      content: ReactionContent,
    ): { reaction: Reaction; isNew: boolean } {
      const given = target.reactions.find((one) => one.user === by.account && one.content === content);
      if (given) return { reaction: given, isNew: false };
      const reaction: Reaction = {
        id: world.newId('reaction'),
        content,
        user: by.account,
        createdAtMs: clock.nowMs(),
      };
      target.reactions.push(reaction);
      return { reaction, isNew: true };
    },
  };
}

export type ReactionActions = ReturnType<typeof createReactionActions>;
