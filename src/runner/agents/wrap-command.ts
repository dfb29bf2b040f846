/** A command and its whole environment. */
export type Launch = { command: string[]; env: Record<string, string> };

/** The folders that a wrapped agent must be able to use. */
type LaunchFolders = { workspace: string; home: string; temp: string };

/**
 * Puts something around an agent, such as a sandbox: gets the command that would be run, gives the one that is.
 * A rejection means that the agent doesn't start.
 */
export type WrapCommand = (
  command: string[],
  env: Record<string, string>,
  folders: LaunchFolders,
) => Launch | Promise<Launch>;
