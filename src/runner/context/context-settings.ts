/** What a runner's configuration says about what agents are told. */
export type ContextSettings = {
  /** Where `<specialty>.md` files are that go before the built-in advice; need not exist. */
  guidanceFolder: string;
  /** The most that a prompt may take, as `estimateTokens` counts. */
  maxTokens: number;
  /** Whether images of issues are fetched. */
  images: boolean;
};
